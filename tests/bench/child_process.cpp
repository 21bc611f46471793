#include "tests/bench/child_process.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "tests/bench/harness.hpp"

namespace stip::bench {

ended_child run_child(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto pid = ::fork();
  if (pid == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(127);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (pid < 0 || ::wait4(pid, &status, 0, &used) != pid) give_up("cannot run " + words[0]);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up(words[0] + " failed with " + std::to_string(WEXITSTATUS(status)));
  return {static_cast<double>(used.ru_maxrss) * 1024e-6};
}

}  // namespace stip::bench
