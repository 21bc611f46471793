#include "tests/bench/decoder_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "tests/bench/harness.hpp"
#include "tests/support/scenes/make_apart.hpp"

extern char** environ;

namespace stip::bench {

namespace {

std::string read_line(int from) {
  std::string line;
  for (char c = 0; read(from, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

decoder_process::decoder_process(const std::vector<std::string>& words) {
  const auto program = scenes::maker_program();
  std::vector<std::string> all = {program, "decode"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (auto& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> in{}, out{};
  if (program.empty() || pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    give_up("there is no stip-scenes; use sbin/bench");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  // The libraries tell of attributes that they look for in vain.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int refused =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (refused != 0 || read_line(from_) != "ready") give_up("stip-scenes decode does not start");
}

decoder_process::~decoder_process() {
  close(to_);
  close(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

void decoder_process::go() {
  if (write(to_, "\n", 1) != 1) give_up("stip-scenes decode has gone");
}

uint64_t decoder_process::wait() {
  const auto line = read_line(from_);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (status != 0 || line.empty()) give_up("stip-scenes decode failed; run it by hand");
  return std::strtoull(line.c_str(), nullptr, 10);
}

}  // namespace stip::bench
