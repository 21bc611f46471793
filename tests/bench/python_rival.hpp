#pragma once

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace stip::bench {

/// A Python program beside this one that does the same job each time it is asked: it says "ready"
/// when it is, and then answers each line of its input with the wall and CPU seconds of one run.
/// Ends the benchmark when it does not start or ends too early.
class python_rival {
 public:
  /// `arguments` as a shell takes them; `folder` is written into.
  python_rival(const std::string& python, const std::string& script, const std::string& arguments,
               const std::string& folder);
  python_rival(const python_rival&) = delete;
  python_rival& operator=(const python_rival&) = delete;
  ~python_rival() { finish(); }

  /// One run: wall and CPU seconds of it.
  std::pair<double, double> run();

  /// Ends its input and waits for it.
  void finish();

 private:
  std::FILE* in_ = nullptr;
  std::ifstream answers_;
};

}  // namespace stip::bench
