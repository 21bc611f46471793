#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace stip::sim {

/// What a node keeps over its death. A crash takes back what was not synced.
class disk {
 public:
  void write(const std::string& name, std::string bytes) { unsynced_[name] = std::move(bytes); }
  void sync() {
    for (auto& [name, bytes] : unsynced_) durable_[name] = std::move(bytes);
    unsynced_.clear();
  }
  void crash() { unsynced_.clear(); }
  void erase_all() {
    unsynced_.clear();
    durable_.clear();
  }
  /// Null: there is no such value.
  const std::string* read(const std::string& name) const {
    for (const auto* values : {&unsynced_, &durable_})
      if (const auto found = values->find(name); found != values->end()) return &found->second;
    return nullptr;
  }

 private:
  std::map<std::string, std::string> durable_, unsynced_;
};

/// What the parts of a simulated node may do.
class host {
 public:
  virtual ~host() = default;
  /// The node's steady clock.
  virtual int64_t now_ms() const = 0;
  /// Its clock of the day, which may jump.
  virtual int64_t wall_ms() const = 0;
  virtual disk& files() = 0;
  /// Takes the bytes to the part of the same number of the node at that address, over a link that
  /// is dialled (with a hello) if there is none.
  virtual void send(const std::string& address, std::string bytes) = 0;
};

/// A state machine of a node in the simulator. A node has one of each kind, in the same order on
/// every node; all are made anew when it starts.
class part {
 public:
  virtual ~part() = default;
  /// When it wants to be ticked next.
  virtual int64_t due_ms() const = 0;
  virtual void tick() = 0;
  virtual void received(std::string_view bytes) = 0;
  /// Bytes could not be brought there; the link to that node went.
  virtual void send_failed(const std::string&, const std::string&) {}
  virtual void link_lost(uint64_t) {}
};

}  // namespace stip::sim
