#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/simulation/storage_part.hpp"

namespace stip::sim {

/// What clients were told, outside of the nodes: it knows what a search may and must show.
class oracle {
 public:
  using matches = std::function<bool(const std::string& key)>;

  /// A store, or a deletion, begins at that moment; its number.
  size_t store_begins(int64_t now_ms, const version& written,
                      const std::vector<sample_image>& images);
  size_t erase_begins(int64_t now_ms, matches match);
  /// The deletion begins to hide what is older than this.
  void erase_decided(size_t write, const version& written) { writes_[write].written = written; }
  /// It was confirmed. Empty: all is well.
  std::string confirmed(int64_t now_ms, size_t write, const write_answer& answer);

  /// What is wrong with a complete answer to a search that began then and ended now.
  std::string check(int64_t began_ms, int64_t now_ms, const search_answer& answer) const;

  size_t confirmed_stores() const { return stores_; }
  size_t confirmed_deletions() const { return deletions_; }

 private:
  struct write {
    bool is_store = false;
    version written;
    int64_t began_ms = 0;
    int64_t confirmed_ms = INT64_MAX;
    /// Of a store: what each image shows. Of a deletion: what it deletes.
    std::map<std::string, uint64_t> pixels;
    matches match;
    /// Images of a store that were confirmed.
    std::vector<std::string> images;

    bool concerns(const std::string& key) const;
    bool confirms(const std::string& key) const;
  };

  std::string check_image(const std::string& key, int64_t began_ms, int64_t now_ms,
                          const found_image* row) const;

  std::vector<write> writes_;
  /// Writes that concern a key; grows with each store of a new key.
  std::map<std::string, std::vector<size_t>> of_key_;
  size_t stores_ = 0;
  size_t deletions_ = 0;
};

}  // namespace stip::sim
