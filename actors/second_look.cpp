#include "actors/second_look.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <map>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/gather.hpp"
#include "libstip/catalog/rows.hpp"

namespace stip {

namespace {

/// Rows about which a node is asked: their numbers in the page, their keys and versions.
struct question {
  std::vector<size_t> rows;
  std::vector<put_tombstone> marks;
};

std::map<uint64_t, question> questions_of(const cluster_view& view, const album& definition,
                                          const std::vector<node_word>& words,
                                          const std::vector<image_row>& rows) {
  std::map<uint64_t, question> out;
  for (const auto& word : words) {
    const auto name = node_name(word.node);
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& shown = rows[i].nodes;
      if (std::find(shown.begin(), shown.end(), name) != shown.end() ||
          !must_be_asked(view.ring, definition, rows[i].key.geocode, word))
        continue;
      auto& q = out[word.node];
      q.rows.push_back(i);
      q.marks.push_back({rows[i].key, rows[i].written});
    }
  }
  return out;
}

struct progress {
  cluster_view_ptr view;
  album definition;
  looked_twice page;
  std::vector<image_row> rows;
  std::vector<bool> hidden;
  std::vector<uint64_t> silent;
  size_t waiting = 1;
  std::function<void(result<looked_twice>)> done;

  void take(uint64_t node, const question& q, const row_words& answer) {
    // What it has dropped since it gave its rows it could not be asked about.
    page.words.push_back({node, false, answer.dropped_ms_ago});
    for (size_t i = 0; i < q.rows.size(); ++i) {
      const auto word = static_cast<row_word>(answer.words[i]);
      if (word == row_word::hidden) hidden[q.rows[i]] = true;
      page.replaced |= word == row_word::replaced;
    }
  }

  void finish_one() {
    if (--waiting > 0) return;
    if (page.answer.more && !rows.empty() &&
        std::find(hidden.begin(), hidden.end(), false) == hidden.end())
      page.go_on_after = rows.back().facts();
    std::vector<image_row> left;
    for (size_t i = 0; i < rows.size(); ++i)
      if (!hidden[i]) left.push_back(std::move(rows[i]));
    page.answer.rows = encode_rows(left);
    // Who cannot say now has not answered.
    const auto answered = [this](uint64_t node) {
      return std::any_of(page.words.begin(), page.words.end(),
                         [&](const node_word& w) { return w.node == node; }) &&
             std::find(silent.begin(), silent.end(), node) == silent.end();
    };
    if (page.answer.problems.empty() && !knows_all(view->ring, definition, answered))
      for (const auto node : silent)
        page.answer.problems.push_back("node " + node_name(node) + " does not answer any more");
    done(std::move(page));
  }
};

}  // namespace

std::vector<node_word> words_of(const std::vector<std::pair<member, query_answer>>& answers) {
  std::vector<node_word> out;
  for (const auto& [who, answer] : answers)
    out.push_back({who.info.id, answer.is_settled, answer.dropped_ms_ago});
  return out;
}

void look_twice(query_actor::stateful_pointer<query_state> self, const cluster_view_ptr& view,
                const album& definition, std::vector<node_word> words, query_answer merged,
                std::function<void(result<looked_twice>)> done) {
  looked_twice page{std::move(merged), std::move(words), false, {}};
  if (all_settled(page.words)) return done(std::move(page));
  auto rows = decode_image_rows(page.answer.rows);
  if (!rows) return done(fail(rows.error()));
  auto questions = questions_of(*view, definition, page.words, *rows);
  if (questions.empty()) return done(std::move(page));
  auto state = std::make_shared<progress>();
  state->view = view;
  state->definition = definition;
  state->page = std::move(page);
  state->rows = std::move(*rows);
  state->hidden.resize(state->rows.size());
  state->done = std::move(done);
  for (auto& [node, q] : questions) {
    ++state->waiting;
    ask(self, view->find(node)->handles.query, defaults::local_query_deadline, atom::here_v,
        atom::hides_v, definition.name, encode(q.marks))
        .then(
            [state, node = node, q](const row_words& answer) {
              if (answer.words.size() == q.rows.size())
                state->take(node, q, answer);
              else
                state->silent.push_back(node);
              state->finish_one();
            },
            [state, node = node](caf::error&) {
              state->silent.push_back(node);
              state->finish_one();
            });
  }
  state->finish_one();
}

}  // namespace stip
