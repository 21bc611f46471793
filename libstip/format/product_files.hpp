#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"

// The files of a product that comes as a folder, a zip or a tar: one way to see all three. What a
// product's metadata names is looked up among these members, never joined to a path, so that no
// name in a file leads out of the input.

namespace stip {

/// What an input is, by its content.
enum class container : uint8_t {
  /// A file that holds no others, or nothing that can be read.
  none,
  folder,
  zip,
  /// Also when it is compressed by gzip.
  tar,
};

/// Looks at the input's first bytes; never fails.
container container_of(const std::string& input);

/// A file of a product.
struct product_member {
  /// Relative to the product's root, parts separated by '/'.
  std::string name;
  uint64_t bytes = 0;
};

/// The members of an input: of a folder or an archive, sorted by name. Hidden files, links that
/// lead out of the folder, and names that are not clean text are not among them.
class product_files {
 public:
  /// Lists what a folder or an archive holds, `depth` folders deep.
  /// Errors: not_found, io_error; malformed (a damaged archive); limit_exceeded, when there are
  /// more members than one product has; unsupported when the input is neither.
  static result<product_files> list(const std::string& input, int depth = max_depth);

  /// A folder or an archive as above; any other file as the only member. Errors: as above, and
  /// those of check_input.
  static result<product_files> of(const std::string& input, int depth = max_depth);

  /// Lists the folder of a metadata file that is itself the input.
  static result<product_files> beside(const std::string& file, int depth = max_depth);

  container kind() const noexcept { return kind_; }

  const std::vector<product_member>& members() const noexcept { return members_; }

  /// The member of that name; nullptr when there is none.
  const product_member* find(std::string_view name) const noexcept;

  /// The name by which GDAL opens a member.
  std::string path(std::string_view member) const;

  /// The whole text of a member. Errors: limit_exceeded beyond max_metadata_bytes, io_error.
  result<std::string> text(const product_member& member) const;

  /// Size and checksum of the product that consists of these members: of the file or archive as a
  /// whole, or else, of a folder, of the names (relative to the root) and bytes of the files, in
  /// the order of their names, wherever the folder lies. Errors: io_error.
  struct identity {
    uint64_t bytes = 0;
    hash128 checksum;
  };
  result<identity> identify(std::vector<std::string> members) const;

  /// Folders in folders that are looked into (a zipped SAFE has five).
  static constexpr int max_depth = 7;
  /// Members of a folder or an archive at most; a SAFE has about a hundred, an old one with many
  /// granules a few thousand.
  static constexpr size_t max_members = 65'536;
  /// Bytes of a metadata file at most; those of a Sentinel-2 granule have 0.7 MB.
  static constexpr size_t max_metadata_bytes = size_t{4} << 20;

 private:
  result<void> list_folder(int depth);
  result<void> list_vsi(int depth);
  result<void> add(std::string name, uint64_t bytes);

  std::string input_;
  /// What a member's name is appended to.
  std::string root_;
  container kind_ = container::none;
  std::vector<product_member> members_;
};

/// The beginning of a file, at most `bytes` of it; empty when it cannot be read.
std::string first_bytes(const std::string& name, size_t bytes);

/// The folder part of a member's name, with its last '/'; empty for one at the root.
std::string_view folder_of(std::string_view member) noexcept;

}  // namespace stip
