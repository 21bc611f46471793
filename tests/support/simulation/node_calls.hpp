#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "libstip/core/error.hpp"
#include "tests/support/simulation/part.hpp"

namespace stip::sim {

/// What one node asks of another.
enum class word : uint8_t {
  deliver,
  holds,
  differ,
  lacks,
  repair,
  find,
  hides,
  hide,
  hidden,
  erase
};

/// Requests with deadlines and their answers, over a network that may lose, double and delay each.
class node_calls {
 public:
  using reply = std::function<void(result<std::string>)>;
  /// A request came; it is answered once, sooner or later, or never.
  using handler = std::function<void(word what, std::string_view body, reply answer)>;

  /// `life` differs for each start of the node.
  node_calls(host& on, std::string own_address, uint64_t life, handler handle)
      : host_(&on),
        own_address_(std::move(own_address)),
        next_((life << 32) + 1),
        handle_(std::move(handle)) {}

  void ask(const std::string& address, word what, std::string_view body, int64_t deadline_ms,
           reply done);
  void received(std::string_view bytes);
  void tick();
  int64_t due_ms() const;

 private:
  struct waiting {
    reply done;
    int64_t until_ms = 0;
  };

  void bring(const std::string& address, std::string bytes);
  void finish(uint64_t number, result<std::string> outcome);

  host* host_;
  std::string own_address_;
  uint64_t next_;
  handler handle_;
  std::map<uint64_t, waiting> waiting_;
  std::set<std::pair<int64_t, uint64_t>> deadlines_;
  /// A node speaks to itself without a link.
  std::deque<std::string> to_itself_;
};

}  // namespace stip::sim
