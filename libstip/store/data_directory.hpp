#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/album_store.hpp"

namespace stip {

/// A node's directory: version file, lock (flock: shared for readers, exclusive for the writer),
/// the node-level LMDB environment (node id, albums, members, tasks) and one directory an album.
///
///     DIR/VERSION  DIR/LOCK  DIR/node/  DIR/albums/<uid>/
class data_directory {
 public:
  /// Opens or (read_write) creates it. Errors: locked (who holds it, what to do), incompatible,
  /// not_found (read_only and absent), io_error.
  static result<std::unique_ptr<data_directory>> open(const std::string& path, open_mode mode,
                                                      file_system& files = posix_file_system());
  ~data_directory();

  const std::string& path() const;
  open_mode mode() const;

  /// The persistent random id of the node, made when the directory was created.
  uint64_t node_id() const;

  /// Counts the starts of this node on this directory in read_write mode; durable.
  uint64_t incarnation() const;

  /// A number above incarnation() and all that this gave before, and below those of later starts;
  /// durable when it returns. Any thread. Errors: io_error, forbidden (opened for reading).
  result<uint64_t> next_incarnation();

  /// Albums, deleted ones included. Durable when save returns.
  result<std::vector<album>> albums() const;
  /// A state older than the kept one changes nothing: two saves may overtake each other.
  result<void> save(const album& a);

  /// Small named values of the node (members, tasks), durable when save returns.
  /// `kind` and `name` are plain words; an absent value is not_found.
  result<std::vector<std::pair<std::string, std::string>>> values(const std::string& kind) const;
  result<void> save_value(const std::string& kind, const std::string& name,
                          const std::string& value);
  result<void> erase_value(const std::string& kind, const std::string& name);

  /// Opens the store of an album of this directory.
  result<std::unique_ptr<album_store>> open_album(const album& a, const store_options& options);

  /// Removes the files of a deleted album; the store must not be open.
  result<void> remove_album(const hash128& uid);

 private:
  class impl;
  explicit data_directory(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace stip
