#pragma once

#include <cstdint>
#include <map>
#include <memory>
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
    objects_.clear();
  }
  /// Null: there is no such value.
  const std::string* read(const std::string& name) const {
    for (const auto* values : {&unsynced_, &durable_})
      if (const auto found = values->find(name); found != values->end()) return &found->second;
    return nullptr;
  }

  /// Something larger that lies there; its owner sees to it that only what is synced gets into it.
  template <class T>
  T& object(const std::string& name) {
    auto& found = objects_[name];
    if (!found) found = std::make_shared<T>();
    return *static_cast<T*>(found.get());
  }

  /// Writes are refused.
  bool is_full = false;
  /// How long a sync takes at most.
  int64_t sync_ms = 20;

 private:
  std::map<std::string, std::string> durable_, unsynced_;
  std::map<std::string, std::shared_ptr<void>> objects_;
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
  /// A random number; the next one is another.
  virtual uint64_t random() = 0;
  /// Takes the bytes to the part of the same number of the node at that address, over a link that
  /// is dialled (with a hello) if there is none.
  virtual void send(const std::string& address, std::string bytes) = 0;
  /// Whether there is a link to that address; makes one.
  virtual bool has_link(const std::string& address) const = 0;
  virtual void dial(const std::string& address) = 0;
  /// Goes up when a link has opened or ended.
  virtual uint64_t link_changes() const = 0;
};

/// A state machine of a node in the simulator. A node has one of each kind, in the same order on
/// every node; all are made anew when it starts.
class part {
 public:
  virtual ~part() = default;
  /// When it wants to be ticked next.
  virtual int64_t due_ms() const = 0;
  /// It is ticked then, not at the next multiple of the node's ticks.
  virtual bool is_exact() const { return false; }
  virtual void tick() = 0;
  virtual void received(std::string_view bytes) = 0;
  /// Bytes could not be brought there; the link to that node went.
  virtual void send_failed(const std::string&, const std::string&) {}
  virtual void link_lost(uint64_t) {}
  /// Something has happened on the node: to this part, or to another.
  virtual void look_around() {}
  /// The process ends without a word.
  virtual void killed() {}
};

}  // namespace stip::sim
