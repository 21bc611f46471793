#include "libstip/format/input_files.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

namespace stip {

namespace {

namespace fs = std::filesystem;

/// What GDAL's drivers look for beside a file: after the file's whole name, and in place of its
/// extension (GDAL 3.6, "Raster drivers": GTiff, HFA, ENVI, EHdr, world files, DIMAP and others).
constexpr std::array<std::string_view, 5> appended = {".aux.xml", ".ovr", ".msk", ".msk.ovr",
                                                      ".hdr"};
constexpr std::array<std::string_view, 17> replacing = {
    ".tfw", ".tifw", ".wld", ".jgw", ".jpgw", ".j2w", ".jp2w", ".pgw", ".pngw",
    ".prj", ".ige",  ".rrd", ".rde", ".aux",  ".hdr", ".imd",  ".rpb"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

template <class Endings>
bool is_one_of(std::string_view text, const Endings& endings) {
  return std::find(endings.begin(), endings.end(), text) != endings.end();
}

bool is_companion(const std::string& name, const std::string& of, const std::string& stem) {
  return (name.starts_with(of) && is_one_of(lower(name.substr(of.size())), appended)) ||
         (name.starts_with(stem) && is_one_of(lower(name.substr(stem.size())), replacing));
}

/// Metadata of a product whose pixels lie in other files.
bool is_mtl(const std::string& name) {
  const auto small = lower(name);
  return small.ends_with("_mtl.txt") || small.ends_with("_mtl.xml") || small.ends_with("_mtl.json");
}
bool is_sentinel2_metadata(const std::string& name) {
  return name == "tileInfo.json" || name == "productInfo.json" || name == "metadata.xml" ||
         (name.starts_with("MTD_") && name.ends_with(".xml")) ||
         (name.starts_with("S2") && name.find("_MTD_") != std::string::npos &&
          name.ends_with(".xml"));
}

std::string with_slash(std::string folder) {
  if (!folder.ends_with('/')) folder += '/';
  return folder;
}

/// The product that a metadata file is about: what lies in its folder, which keeps its name.
result<input_files> around(const fs::path& path, const std::string& prefix) {
  STIP_ASSIGN(const auto listed, product_files::beside(path.string()));
  const auto folder = path.parent_path();
  const auto name = folder.filename().string();
  input_files out;
  out.root = with_slash(name.empty() ? folder.string() : folder.parent_path().string());
  const auto before = name.empty() ? std::string() : name + "/";
  out.entry = before + path.filename().string();
  for (const auto& member : listed.members())
    if (member.name.starts_with(prefix)) out.files.push_back({before + member.name, member.bytes});
  return out;
}

}  // namespace

result<input_files> files_of_input(const std::string& input) {
  const auto what = "open " + input;
  if (input.starts_with("/vsi"))
    return fail(ec::unsupported, what, "it is no file of this machine",
                "leave out --upload: the node reads it itself");
  std::error_code failed;
  auto path = fs::absolute(input, failed).lexically_normal();
  if (failed) return fail(system_error(what, failed.value()));
  // A folder that was written with a slash at its end.
  if (path.filename().empty()) path = path.parent_path();
  const auto kind = fs::status(path, failed);
  if (!fs::exists(kind))
    return fail(ec::not_found, what, "there is no such file", "check the name");
  const auto name = path.filename().string();
  input_files out;
  out.root = with_slash(path.parent_path().string());
  out.entry = name;
  if (fs::is_directory(kind)) {
    STIP_ASSIGN(const auto listed, product_files::list(path.string()));
    for (const auto& member : listed.members())
      out.files.push_back({name + "/" + member.name, member.bytes});
    if (out.files.empty()) return fail(ec::not_found, what, "the folder holds no files");
    return out;
  }
  if (!fs::is_regular_file(kind))
    return fail(ec::invalid_argument, what, "it is no file but a pipe, a socket or a device",
                "copy its content to a file");
  constexpr std::string_view mtl = "MTL.";
  if (is_mtl(name)) return around(path, name.substr(0, name.rfind('.') + 1 - mtl.size()));
  if (is_sentinel2_metadata(name)) return around(path, "");
  const auto bytes = fs::file_size(path, failed);
  if (failed) return fail(system_error(what, failed.value()));
  out.files.push_back({name, bytes});
  // A bounded look at the folder: who has millions of files in one has no companions there.
  const auto stem = path.stem().string();
  size_t looked_at = 0;
  for (fs::directory_iterator entry(path.parent_path(), failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (++looked_at > product_files::max_members) break;
    const auto other = entry->path().filename().string();
    std::error_code ignored;
    if (other == name || !is_companion(other, name, stem) || !entry->is_regular_file(ignored))
      continue;
    const auto size = entry->file_size(ignored);
    if (!ignored) out.files.push_back({other, size});
  }
  return out;
}

}  // namespace stip
