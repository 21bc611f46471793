#pragma once

#include <lmdb.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/store/file_system.hpp"
#include "libstip/store/metadata.hpp"

// LMDB behind RAII. Nothing else in stip calls it.

namespace stip {

/// A database of an environment: its position in the list that the environment was opened with.
using database = size_t;

/// Lets any number in, or one alone: an LMDB map may only be resized while no transaction of the
/// process is open. One who waits to be alone goes before those who come later. Nobody may enter
/// twice on one thread.
class gate {
 public:
  void enter();
  void leave();
  void enter_alone();
  void leave_alone();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t inside_ = 0;
  size_t waiting_alone_ = 0;
  bool alone_ = false;
};

class environment;

/// A consistent view. What it returns points into the map: valid until the transaction ends, and
/// in a write_transaction until its next put or erase.
class transaction {
 public:
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();

  /// The value of a key; nothing if it is not there. Errors: corrupt, io_error.
  result<std::optional<std::string_view>> get(database db, std::string_view key) const;

 protected:
  friend class environment;
  friend class cursor;
  transaction(const environment& env, MDB_txn* txn) : env_(&env), txn_(txn) {}
  error failure(std::string_view what, int code) const;

  const environment* env_;
  MDB_txn* txn_;
  /// An operation ran into the end of the map: grow it and start over.
  mutable bool map_full_ = false;
};

/// A transaction that writes; its observer sees every change.
class write_transaction : public transaction {
 public:
  /// Errors: no_space, io_error, corrupt.
  result<void> put(database db, std::string_view key, std::string_view value);
  /// Erases a key if it is there.
  result<void> erase(database db, std::string_view key);

 private:
  friend class environment;
  using transaction::transaction;
};

/// Walks over the keys of a database in ascending (bytewise) order. Ends before its transaction.
class cursor {
 public:
  static result<cursor> open(const transaction& txn, database db);
  cursor(cursor&& other) noexcept
      : txn_(other.txn_), cursor_(std::exchange(other.cursor_, nullptr)) {}
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;
  cursor& operator=(cursor&&) = delete;
  ~cursor();

  /// Goes to the first key that is not before `key`; false if there is none.
  result<bool> seek(std::string_view key) { return move(key, MDB_SET_RANGE); }
  /// Goes to the next key; false at the end.
  result<bool> next() { return move({}, MDB_NEXT); }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  cursor(const transaction& txn, MDB_cursor* c) : txn_(&txn), cursor_(c) {}
  result<bool> move(std::string_view key, MDB_cursor_op how);

  const transaction* txn_;
  MDB_cursor* cursor_;
  std::string_view key_, value_;
};

/// One LMDB file (`path`, and `path-lock` beside it) with its named databases.
class environment {
 public:
  struct options {
    bool read_only = false;
    std::vector<std::string> databases;
    uint64_t map_bytes = 0;
    metadata_observer* observer = nullptr;
  };

  /// Opens it, or creates it (not read_only): under another name first, so that a file of this
  /// name is always whole. A read-only environment takes no locks and leaves no traces: the caller
  /// sees to it that nobody writes meanwhile.
  /// Errors: not_found (read_only and absent), corrupt, incompatible, io_error, no_space.
  static result<std::unique_ptr<environment>> open(const std::string& path, const options& o,
                                                   file_system& files);
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment();

  /// Returns what `f(const transaction&)`, which returns a result, returns. Not within another
  /// transaction of the same thread.
  template <class F>
  std::invoke_result_t<F, const transaction&> read(F&& f) const {
    STIP_ASSIGN(const view seen, begin_read());
    return f(seen.txn);
  }

  /// Runs `f` and commits with full sync; when `f` fails, nothing is changed. `f` may run more than
  /// once (when the map is full it grows and all starts over), so it sets what it gives its caller
  /// anew each time. One thread at a time.
  result<void> write(const std::function<result<void>(write_transaction&)>& f);

 private:
  friend class transaction;
  friend class write_transaction;
  friend class cursor;

  class visit {
   public:
    explicit visit(gate& g) : gate_(&g) { gate_->enter(); }
    visit(visit&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    visit& operator=(visit&&) = delete;
    ~visit() {
      if (gate_) gate_->leave();
    }

   private:
    gate* gate_;
  };

  /// A read transaction within the gate.
  struct view {
    visit inside;
    transaction txn;
    view(visit v, const environment& env, MDB_txn* t) : inside(std::move(v)), txn(env, t) {}
    view(view&& other) noexcept
        : inside(std::move(other.inside)),
          txn(*other.txn.env_, std::exchange(other.txn.txn_, nullptr)) {}
  };

  explicit environment(std::string path) : path_(std::move(path)) {}
  result<view> begin_read() const;
  result<MDB_txn*> begin(unsigned flags, std::optional<visit>& inside) const;
  result<void> grow();
  error failure(std::string_view what, int code) const;
  static result<std::unique_ptr<environment>> open_file(const std::string& path, const options& o);

  std::string path_;
  MDB_env* env_ = nullptr;
  std::vector<MDB_dbi> handles_;
  std::vector<std::string> names_;
  metadata_observer* observer_ = nullptr;
  mutable gate gate_;
};

}  // namespace stip
