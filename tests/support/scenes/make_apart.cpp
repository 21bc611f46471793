#include "tests/support/scenes/make_apart.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

extern char** environ;

namespace stip::scenes {

std::vector<std::string> words_of(const recipe& r, const std::string& folder) {
  std::vector<std::string> words = {r.family,
                                    folder,
                                    "--seed=" + std::to_string(r.seed),
                                    "--size=" + std::to_string(r.size),
                                    text("--clouds=%.17g", r.clouds),
                                    text("--nodata=%.17g", r.nodata),
                                    "--baseline=" + r.baseline,
                                    text("--tile-h=%d", r.tile_h),
                                    text("--tile-v=%d", r.tile_v),
                                    text("--days=%d", r.days),
                                    "--container=" + r.container,
                                    text("--threads=%zu", r.threads)};
  if (!r.date.empty()) words.push_back("--date=" + r.date);
  if (!r.archive) words.push_back("--folder");
  if (!r.copies) words.push_back("--no-copies");
  for (const auto& v : r.variables) words.push_back("--variable=" + v);
  return words;
}

std::string maker_program() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  std::vector<std::filesystem::path> places;
  if (!failed) places.push_back(self.parent_path());
  if (const auto* chosen = std::getenv("STIP_BIN_DIR")) places.emplace_back(chosen);
  for (const auto& place : places)
    if (std::filesystem::exists(place / "stip-scenes", failed)) return place / "stip-scenes";
  return {};
}

result<product> make_apart(const recipe& r, const std::string& folder) {
  STIP_ASSIGN(auto planned, plan(r, folder));
  const auto program = maker_program();
  if (program.empty())
    return fail(ec::unavailable, "make a scene", "there is no program stip-scenes",
                "build it, or name its folder in STIP_BIN_DIR");
  std::vector<std::string> words = {program, "make"};
  for (auto& word : words_of(r, folder)) words.push_back(std::move(word));
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int refused =
      posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (refused != 0) return fail(system_error("start " + program, refused));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(ec::io_error, "make " + planned.path, "stip-scenes failed",
                "its reason stands on standard error");
  return planned;
}

}  // namespace stip::scenes
