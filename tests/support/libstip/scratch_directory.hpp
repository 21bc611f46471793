#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace stip::test {

/// A new directory of its own under the system's temporary one; removed with all that is in it.
class scratch_directory {
 public:
  scratch_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "stip-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace stip::test
