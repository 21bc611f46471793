#pragma once

#include <string>
#include <string_view>

namespace stip {

/// Sees what goes into an LMDB environment, in order: the recorder of crash tests stands behind it.
class metadata_observer {
 public:
  virtual ~metadata_observer() = default;
  virtual void begin() = 0;
  virtual void put(std::string_view database, std::string_view key, std::string_view value) = 0;
  virtual void erase(std::string_view database, std::string_view key) = 0;
  /// Called before LMDB's commit begins, and after it has returned (synced).
  virtual void committing() = 0;
  virtual void committed() = 0;
};

}  // namespace stip
