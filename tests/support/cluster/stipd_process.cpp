#include "tests/support/cluster/stipd_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "actors/network.hpp"

namespace stip::test {

namespace {

constexpr int dial_timeout_ms = 10'000;
constexpr int dial_attempts = 400;
constexpr std::chrono::milliseconds dial_pause{50};

}  // namespace

std::string stipd_binary() {
  const auto* directory = std::getenv("STIP_BIN_DIR");
  if (directory == nullptr) return {};
  const auto path = std::string{directory} + "/stipd";
  return std::filesystem::exists(path) ? path : std::string{};
}

stipd_process::stipd_process(const std::string& directory, std::vector<std::string> options,
                             const std::function<void()>& before) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) std::abort();
  std::vector<std::string> words{stipd_binary(),          "--stip.directory=" + directory,
                                 "--stip.port=0",         "--stip.free-space=0",
                                 "--stip.token-count=16", "--stip.log-file=" + directory + ".log"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) {
    // The test may be killed by its watchdog; no node outlives it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (before) before();
    ::dup2(out[1], STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(out[1]);
  std::string text;
  char c = 0;
  while (::read(out[0], &c, 1) == 1 && c != '\n') text += c;
  ::close(out[0]);
  const auto colon = text.rfind(':');
  if (text.find(" listens on ") == std::string::npos || colon == std::string::npos) {
    std::fprintf(stderr, "stipd did not start: %s\n", text.c_str());
    std::abort();
  }
  port_ = static_cast<uint16_t>(std::stoi(text.substr(colon + 1)));
}

stipd_process::~stipd_process() {
  if (pid_ > 0) end(SIGKILL);
}

int stipd_process::end(int signal) {
  if (pid_ <= 0) return 0;
  ::kill(pid_, signal);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

uint64_t stipd_process::anonymous_bytes() const {
  std::ifstream status{"/proc/" + std::to_string(pid_) + "/status"};
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  return 0;
}

client connect(caf::actor_system& system, const stipd_process& process) {
  // It listens before all of its actors are there.
  for (int attempt = 0; attempt < dial_attempts; ++attempt) {
    auto handles = dial(system, "127.0.0.1", process.port(), dial_timeout_ms);
    if (handles) return {system, std::move(*handles)};
    std::this_thread::sleep_for(dial_pause);
  }
  std::fprintf(stderr, "stipd does not answer\n");
  std::abort();
}

}  // namespace stip::test
