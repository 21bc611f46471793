#include "apps/stip/history.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

namespace fs = std::filesystem;

constexpr mode_t own_file = 0600;

bool can_be_kept(const std::string& line) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return line.size() <= defaults::max_shell_line_bytes &&
         line.find_first_not_of(' ') != std::string::npos &&
         std::none_of(line.begin(), line.end(), is_control);
}

/// Opens the file for its user alone, whatever it was before. -1: errno says why.
int open_own(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, own_file);
  if (fd >= 0) ::fchmod(fd, own_file);
  return fd;
}

result<void> write_all(const std::string& path, int flags, const std::string& text) {
  const int fd = open_own(path, flags);
  if (fd < 0) return fail(system_error("open " + path, errno));
  const auto written = ::write(fd, text.data(), text.size());
  const int why = written < 0 ? errno : ENOSPC;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) return fail(system_error("write " + path, why));
  return {};
}

}  // namespace

result<std::vector<std::string>> history_file::load() {
  std::vector<std::string> lines;
  if (path_.empty()) return lines;
  std::ifstream file{path_};
  if (!file) return lines;
  std::string line;
  size_t all = 0;
  constexpr auto most = static_cast<size_t>(defaults::shell_history_lines);
  while (std::getline(file, line)) {
    ++all;
    if (!can_be_kept(line)) continue;
    lines.push_back(std::move(line));
    // In steps, so that a long file costs no more than its lines.
    if (lines.size() >= 2 * most) lines.erase(lines.begin(), lines.end() - ptrdiff_t(most));
  }
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - ptrdiff_t(most));
  if (!lines.empty()) latest_ = lines.back();
  if (all <= most) return lines;
  std::string text;
  for (const auto& kept : lines) text += kept + "\n";
  // In one step: a session beside this one sees the old file or the new one.
  const auto fresh = path_ + "." + std::to_string(::getpid());
  STIP_TRY(write_all(fresh, O_WRONLY | O_TRUNC, text));
  if (::rename(fresh.c_str(), path_.c_str()) != 0)
    return fail(system_error("rename " + fresh, errno));
  return lines;
}

result<bool> history_file::add(const std::string& line) {
  if (path_.empty() || !can_be_kept(line) || line == latest_) return false;
  std::error_code why;
  const auto folder = fs::path{path_}.parent_path();
  if (fs::create_directories(folder, why)) fs::permissions(folder, fs::perms::owner_all, why);
  // One write at the end of the file: lines of two sessions do not mix.
  STIP_TRY(write_all(path_, O_WRONLY | O_APPEND, line + "\n"));
  latest_ = line;
  return true;
}

std::string history_path() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string{text == nullptr ? "" : text};
  };
  auto state = value("XDG_STATE_HOME");
  if (state.empty() || state[0] != '/') {
    const auto home = value("HOME");
    if (home.empty()) return {};
    state = home + "/.local/state";
  }
  return state + "/stip/history";
}

}  // namespace stip::cli
