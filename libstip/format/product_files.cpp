#include "libstip/format/product_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <span>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/text.hpp"
#include "libstip/raster/vsi_file.hpp"

namespace stip {

namespace {

namespace fs = std::filesystem;

struct vsi_close_folder {
  void operator()(VSIDIR* folder) const noexcept { VSICloseDir(folder); }
};
using vsi_folder = std::unique_ptr<VSIDIR, vsi_close_folder>;

constexpr std::string_view zip_magic = "PK\x03\x04";
constexpr std::string_view gzip_magic = "\x1f\x8b";

/// A tar's header (POSIX.1-2017, pax, "ustar Interchange Format"): a block of this many bytes, the
/// size in octal digits here, the magic there.
constexpr size_t tar_block_bytes = 512;
constexpr size_t tar_size_at = 124;
constexpr size_t tar_size_digits = 12;
constexpr size_t tar_magic_at = 257;
constexpr std::string_view tar_magic = "ustar";

/// A zip's end of central directory (APPNOTE.TXT 4.3.16): at most this far from the end, the number
/// of all entries at this offset; so many mean that the true number stands elsewhere.
constexpr size_t zip_end_bytes = 22 + 65'535;
constexpr std::string_view zip_end_magic = "PK\x05\x06";
constexpr size_t zip_entries_at = 10;

bool is_vsi(const std::string& name) {
  return name.starts_with("/vsi");
}

bool is_tar(const std::string& block) {
  return block.size() >= tar_magic_at + tar_magic.size() &&
         std::string_view(block).substr(tar_magic_at, tar_magic.size()) == tar_magic;
}

tl::unexpected<error> too_many(const std::string& input) {
  return fail(ec::limit_exceeded, "open " + input,
              "it holds more than " + std::to_string(product_files::max_members) + " files",
              "name the products in it one by one");
}

/// GDAL's reader believes in the number of entries that a zip's end says; so it is checked first.
result<void> check_zip(const std::string& input) {
  const auto what = "open " + input;
  const vsi_file file(VSIFOpenL(input.c_str(), "rb"));
  if (!file || VSIFSeekL(file.get(), 0, SEEK_END) != 0)
    return fail(ec::io_error, what, "it cannot be read");
  const uint64_t bytes = VSIFTellL(file.get());
  std::string end(std::min<uint64_t>(bytes, zip_end_bytes), '\0');
  if (VSIFSeekL(file.get(), bytes - end.size(), SEEK_SET) != 0 ||
      VSIFReadL(end.data(), 1, end.size(), file.get()) != end.size())
    return fail(ec::io_error, what, "its end cannot be read");
  const auto at = end.rfind(zip_end_magic);
  if (at == std::string::npos || at + zip_entries_at + 2 > end.size())
    return fail(ec::malformed, what, "it is a zip without an end: it was cut off",
                "fetch it again");
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(end[i]); };
  const size_t entries = byte(at + zip_entries_at) + 256u * byte(at + zip_entries_at + 1);
  if (entries == 0xffff) return too_many(input);
  return {};
}

/// A compressed tar may hold any number of headers: they are counted before GDAL keeps them all.
result<void> check_compressed_tar(const std::string& input) {
  const vsi_file file(VSIFOpenL(("/vsigzip/" + input).c_str(), "rb"));
  if (!file) return fail(ec::io_error, "open " + input, "it cannot be read");
  uint64_t at = 0;
  for (size_t count = 0; count <= product_files::max_members; ++count) {
    std::string block(tar_block_bytes, '\0');
    if (VSIFSeekL(file.get(), at, SEEK_SET) != 0 ||
        VSIFReadL(block.data(), 1, block.size(), file.get()) != block.size() || block[0] == '\0')
      return {};
    uint64_t bytes = 0;
    for (const char c : std::string_view(block).substr(tar_size_at, tar_size_digits))
      if (c >= '0' && c <= '7') bytes = bytes * 8 + static_cast<uint64_t>(c - '0');
    at += tar_block_bytes + (bytes + tar_block_bytes - 1) / tar_block_bytes * tar_block_bytes;
  }
  return too_many(input);
}

/// Whether every part of the name is one that a product's file may have.
bool is_usable(const std::string& name) {
  if (name.empty() || name.size() > defaults::max_property_bytes || !is_clean_text(name))
    return false;
  size_t from = 0;
  while (from <= name.size()) {
    const auto to = std::min(name.find('/', from), name.size());
    const auto part = std::string_view(name).substr(from, to - from);
    // Hidden files, "..", and what macOS adds to archives.
    if (part.empty() || part.front() == '.' || part == "__MACOSX" ||
        part.find('\\') != std::string_view::npos)
      return false;
    from = to + 1;
  }
  return true;
}

}  // namespace

std::string first_bytes(const std::string& name, size_t bytes) {
  const gdal_errors quiet;
  const gdal_no_notes nothing_written;
  // To open a pipe is to wait for its writer.
  std::error_code failed;
  if (name.find('\0') != std::string::npos || (!is_vsi(name) && !fs::is_regular_file(name, failed)))
    return {};
  const vsi_file file(VSIFOpenL(name.c_str(), "rb"));
  std::string out(bytes, '\0');
  out.resize(file ? VSIFReadL(out.data(), 1, out.size(), file.get()) : 0);
  return out;
}

std::string_view folder_of(std::string_view member) noexcept {
  const auto slash = member.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : member.substr(0, slash + 1);
}

container container_of(const std::string& input) {
  if (input.empty() || input.find('\0') != std::string::npos) return container::none;
  const gdal_errors quiet;
  VSIStatBufL status;
  if (VSIStatL(input.c_str(), &status) != 0) return container::none;
  if (VSI_ISDIR(status.st_mode)) return container::folder;
  if (!VSI_ISREG(status.st_mode)) return container::none;
  const auto first = first_bytes(input, tar_block_bytes);
  if (first.starts_with(zip_magic)) return container::zip;
  if (is_tar(first)) return container::tar;
  if (first.starts_with(gzip_magic) && is_tar(first_bytes("/vsigzip/" + input, tar_block_bytes)))
    return container::tar;
  return container::none;
}

result<product_files> product_files::list(const std::string& input, int depth) {
  const gdal_errors quiet;
  const gdal_no_notes nothing_written;
  product_files out;
  out.input_ = input;
  out.kind_ = container_of(input);
  switch (out.kind_) {
    case container::none:
      if (auto checked = check_input(input); !checked) return fail(checked.error());
      return fail(ec::unsupported, "open " + input, "it is neither a folder nor an archive");
    case container::folder:
      out.root_ = input.ends_with('/') ? input : input + "/";
      STIP_TRY(is_vsi(input) ? out.list_vsi(depth) : out.list_folder(depth));
      break;
    case container::zip:
      STIP_TRY(check_zip(input));
      // The braces tell the archive's name from that of the member, whatever its extension.
      out.root_ = "/vsizip/{" + input + "}/";
      STIP_TRY(out.list_vsi(depth));
      break;
    case container::tar:
      out.root_ = "/vsitar/{" + input + "}/";
      if (first_bytes(input, gzip_magic.size()) == gzip_magic) {
        STIP_TRY(check_compressed_tar(input));
        // By itself GDAL looks for gzip only where the name says so; then it is faster.
        if (!has_gzip_name(input)) out.root_ = "/vsitar/{/vsigzip/" + input + "}/";
      }
      STIP_TRY(out.list_vsi(depth));
      break;
  }
  std::sort(out.members_.begin(), out.members_.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

result<product_files> product_files::of(const std::string& input, int depth) {
  if (container_of(input) != container::none) return list(input, depth);
  product_files out;
  STIP_ASSIGN(const auto bytes, check_input(input));
  out.input_ = input;
  out.root_ = folder_of(input);
  out.members_.push_back({input.substr(out.root_.size()), bytes});
  return out;
}

result<product_files> product_files::beside(const std::string& file, int depth) {
  const auto slash = file.rfind('/');
  return list(slash == std::string::npos ? "." : slash == 0 ? "/" : file.substr(0, slash), depth);
}

result<void> product_files::add(std::string name, uint64_t bytes) {
  if (!is_usable(name)) return {};
  if (members_.size() == max_members) return too_many(input_);
  members_.push_back({std::move(name), bytes});
  return {};
}

result<void> product_files::list_folder(int depth) {
  const auto what = "open " + input_;
  std::error_code failed;
  const auto root = fs::canonical(root_, failed);
  if (failed) return fail(system_error(what, failed.value()));
  size_t looked_at = 0;
  auto entry = fs::recursive_directory_iterator(
      root_, fs::directory_options::skip_permission_denied, failed);
  for (const fs::recursive_directory_iterator end; !failed && entry != end;
       entry.increment(failed)) {
    if (++looked_at > max_members) return too_many(input_);
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      if (entry.depth() + 1 >= depth || entry->path().filename().string().starts_with('.'))
        entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(ignored)) continue;
    if (entry->is_symlink(ignored)) {
      const auto target = fs::canonical(entry->path(), ignored);
      const auto [in_root, rest] =
          std::mismatch(root.begin(), root.end(), target.begin(), target.end());
      if (ignored || in_root != root.end()) continue;
    }
    const auto bytes = entry->file_size(ignored);
    if (ignored) continue;
    STIP_TRY(add(entry->path().string().substr(root_.size()), bytes));
  }
  if (failed) return fail(system_error(what, failed.value()));
  return {};
}

result<void> product_files::list_vsi(int depth) {
  const auto what = "open " + input_;
  const gdal_errors errors;
  const auto root = root_.substr(0, root_.size() - 1);
  const vsi_folder folder(VSIOpenDir(root.c_str(), depth - 1, nullptr));
  if (!folder) {
    const auto why = errors.text();
    return fail(ec::malformed, what, why.empty() ? "what it holds cannot be listed" : why,
                "fetch it again, it seems to be damaged");
  }
  size_t looked_at = 0;
  while (const auto* entry = VSIGetNextDirEntry(folder.get())) {
    if (++looked_at > max_members) return too_many(input_);
    if (entry->pszName == nullptr || VSI_ISDIR(entry->nMode)) continue;
    std::string name = entry->pszName;
    while (name.starts_with("./")) name.erase(0, 2);
    STIP_TRY(add(std::move(name), entry->bSizeKnown ? entry->nSize : 0));
  }
  return {};
}

const product_member* product_files::find(std::string_view name) const noexcept {
  const auto at =
      std::lower_bound(members_.begin(), members_.end(), name,
                       [](const auto& member, auto wanted) { return member.name < wanted; });
  return at != members_.end() && at->name == name ? &*at : nullptr;
}

std::string product_files::path(std::string_view member) const {
  return root_ + std::string(member);
}

result<std::string> product_files::text(const product_member& member) const {
  const auto name = path(member.name);
  auto out = first_bytes(name, max_metadata_bytes + 1);
  if (out.size() > max_metadata_bytes)
    return fail(
        ec::limit_exceeded, "read " + name,
        "it has more than " + std::to_string(max_metadata_bytes) + " bytes, too many for metadata");
  if (out.empty()) return fail(ec::io_error, "read " + name, "it is empty or cannot be read");
  return out;
}

result<product_files::identity> product_files::identify(std::vector<std::string> members) const {
  if (kind_ != container::folder) {
    STIP_ASSIGN(const auto bytes, check_input(input_));
    STIP_ASSIGN(const auto checksum, checksum_input(input_));
    return identity{bytes, checksum};
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  identity out;
  hasher all;
  for (const auto& member : members) {
    STIP_ASSIGN(const auto bytes, check_input(path(member)));
    STIP_ASSIGN(const auto checksum, checksum_input(path(member)));
    out.bytes += bytes;
    all.update(member);
    all.update(std::string_view("\0", 1));
    all.update(to_string(checksum));
  }
  out.checksum = all.digest128();
  return out;
}

}  // namespace stip
