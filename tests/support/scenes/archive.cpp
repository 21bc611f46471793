#include "tests/support/scenes/archive.hpp"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

namespace stip::scenes {

namespace {

constexpr size_t piece = 1 << 20;
constexpr size_t tar_block = 512;
/// 2021-01-01 00:00 UTC: archives of one recipe are the same bytes.
constexpr long long tar_time = 1609459200;

std::vector<std::filesystem::path> files_of(const std::string& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// Hands the file on in pieces; false when it cannot be read or `take` refuses.
bool copy_file(const std::filesystem::path& from,
               const std::function<bool(const char*, size_t)>& take) {
  std::ifstream in(from, std::ios::binary);
  std::vector<char> bytes(piece);
  while (in.read(bytes.data(), static_cast<std::streamsize>(piece)) || in.gcount() > 0)
    if (!take(bytes.data(), static_cast<size_t>(in.gcount()))) return false;
  return in.eof();
}

bool is_text(const std::filesystem::path& path) {
  static constexpr std::array kinds = {".xml", ".gml", ".safe", ".html", ".txt"};
  const auto kind = path.extension().string();
  return std::any_of(kinds.begin(), kinds.end(), [&](const char* k) { return kind == k; });
}

}  // namespace

result<void> zip_folder(const std::string& folder, const std::string& top,
                        const std::string& path) {
  const auto refuse = [&] {
    return fail(ec::io_error, "write " + path, CPLGetLastErrorMsg(), "free space in its folder");
  };
  void* zip = CPLCreateZip(path.c_str(), nullptr);
  if (zip == nullptr) return refuse();
  bool good = true;
  for (const auto& file : files_of(folder)) {
    const auto name =
        (top.empty() ? "" : top + "/") + std::filesystem::relative(file, folder).generic_string();
    CPLStringList options;
    options.SetNameValue("COMPRESSED", is_text(file) ? "YES" : "NO");
    good = good && CPLCreateFileInZip(zip, name.c_str(), options.List()) == CE_None &&
           copy_file(file,
                     [&](const char* bytes, size_t count) {
                       return CPLWriteFileInZip(zip, bytes, static_cast<int>(count)) == CE_None;
                     }) &&
           CPLCloseFileInZip(zip) == CE_None;
  }
  if (CPLCloseZip(zip) != CE_None || !good) return refuse();
  return {};
}

result<void> tar_folder(const std::string& folder, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  bool good = true;
  const std::array<char, tar_block> zeros{};
  for (const auto& file : files_of(folder)) {
    const auto name = file.filename().string();
    const auto size = std::filesystem::file_size(file);
    // Offsets and widths of the fields: POSIX.1-1988, "ustar Interchange Format".
    std::array<char, tar_block> header{};
    std::memcpy(header.data(), name.data(), std::min<size_t>(name.size(), 100));
    std::snprintf(header.data() + 100, 8, "%07o", 0644u);
    std::snprintf(header.data() + 108, 8, "%07o", 0u);
    std::snprintf(header.data() + 116, 8, "%07o", 0u);
    std::snprintf(header.data() + 124, 12, "%011llo", static_cast<unsigned long long>(size));
    std::snprintf(header.data() + 136, 12, "%011llo", static_cast<unsigned long long>(tar_time));
    std::memset(header.data() + 148, ' ', 8);
    header[156] = '0';
    std::memcpy(header.data() + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header.data() + 148, 8, "%06o", sum);
    out.write(header.data(), tar_block);
    good = good && copy_file(file, [&](const char* bytes, size_t count) {
             return bool(out.write(bytes, static_cast<std::streamsize>(count)));
           });
    if (size % tar_block != 0)
      out.write(zeros.data(), static_cast<std::streamsize>(tar_block - size % tar_block));
  }
  out.write(zeros.data(), tar_block);
  out.write(zeros.data(), tar_block);
  out.close();
  if (!out || !good)
    return fail(ec::io_error, "write " + path, "the system refused it", "free space in its folder");
  return {};
}

}  // namespace stip::scenes
