#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "actors/errors.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

/// Asks every node of the view and waits for all: `ask(peer)` sends the request and returns its
/// response handle, `done(answers, problems)` gets what came, each with its node, and a line for
/// every node that could not be asked or did not answer in time.
template <class T, class Ask, class Done>
void gather(const cluster_view& view, Ask ask, Done done) {
  struct progress {
    size_t waiting = 1;
    std::vector<std::pair<member, T>> answers;
    std::vector<std::string> problems;
  };
  auto state = std::make_shared<progress>();
  auto finish_one = [state, done]() mutable {
    if (--state->waiting == 0) done(std::move(state->answers), std::move(state->problems));
  };
  for (const auto& address : view.missing)
    state->problems.push_back("node at " + address + " has not answered yet");
  for (const auto& p : view.peers) {
    if (!p.reachable) {
      state->problems.push_back("node " + node_name(p.member.info.id) + " (" +
                                p.member.info.address() + "): " + why_away(&p));
      continue;
    }
    ++state->waiting;
    ask(p).then(
        [state, finish_one, who = p.member](T& answer) mutable {
          state->answers.emplace_back(who, std::move(answer));
          finish_one();
        },
        [state, finish_one, who = p.member](caf::error& err) mutable {
          state->problems.push_back("node " + node_name(who.info.id) + " (" + who.info.address() +
                                    "): " + to_string(from_caf(err, "ask it")));
          finish_one();
        });
  }
  finish_one();
}

template <class T>
bool has_answered(const std::vector<std::pair<member, T>>& answers, uint64_t node) {
  return std::any_of(answers.begin(), answers.end(),
                     [&](const auto& answer) { return answer.first.info.id == node; });
}

/// Whether those that answered know all that was confirmed: see knows_all().
template <class T>
bool all_known(const cluster_view& view, const album& a,
               const std::vector<std::pair<member, T>>& answers) {
  return view.missing.empty() && !view.ring.nodes().empty() &&
         knows_all(view.ring, a, [&](uint64_t node) { return has_answered(answers, node); });
}

template <class T>
bool all_reachable_answered(const cluster_view& view,
                            const std::vector<std::pair<member, T>>& answers) {
  return std::all_of(view.peers.begin(), view.peers.end(), [&](const peer& p) {
    return !p.reachable || has_answered(answers, p.member.info.id);
  });
}

}  // namespace stip
