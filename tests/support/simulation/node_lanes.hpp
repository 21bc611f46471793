#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libstip/cluster/delivery.hpp"
#include "libstip/core/clock.hpp"
#include "tests/support/simulation/node_calls.hpp"
#include "tests/support/simulation/node_view.hpp"
#include "tests/support/simulation/node_writer.hpp"

namespace stip::sim {

/// Parcels to other nodes under credit and with retries, and what comes in of them: what transfer
/// is to the actors.
class node_lanes {
 public:
  using answered = std::function<void(result<void>)>;

  struct services {
    host* on = nullptr;
    node_calls* calls = nullptr;
    node_writer* writer = nullptr;
    version_clock* versions = nullptr;
    uint64_t self = 0;
    uint64_t incarnation = 0;
  };

  explicit node_lanes(const services& s) : of_(s) {}

  void ship(uint64_t node, const chip_parts& content, answered then);
  void view_changed(node_view_ptr view);
  /// A parcel came.
  void deliver(std::string_view body, node_calls::reply answer);

  void tick();
  int64_t due_ms() const;

 private:
  struct waiting {
    std::string content;
    int attempt = 0;
    answered then;
  };
  struct lane {
    delivery_outbox outbox;
    std::map<uint64_t, waiting> under_way;
  };

  void apply(uint64_t node, const delivery_outbox::effects& effects);
  void send(uint64_t node, uint64_t number, int attempt);
  void end(uint64_t node, uint64_t number, result<void> outcome);
  void attempt_failed(uint64_t node, uint64_t number, int attempt, const error& why);

  services of_;
  node_view_ptr view_ = std::make_shared<node_view>();
  std::map<uint64_t, lane> lanes_;
  /// By sender and incarnation.
  std::map<std::pair<uint64_t, uint64_t>, delivery_inbox> inboxes_;
};

}  // namespace stip::sim
