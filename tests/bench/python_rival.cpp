#include "tests/bench/python_rival.hpp"

#include <cstdlib>

#include "tests/bench/harness.hpp"

namespace stip::bench {

python_rival::python_rival(const std::string& python, const std::string& script,
                           const std::string& arguments, const std::string& folder) {
  std::ofstream(folder + "/rival.py") << script;
  const auto out = folder + "/answers";
  if (std::system(("mkfifo '" + out + "'").c_str()) != 0) give_up("no pipe can be made");
  const auto command =
      "'" + python + "' '" + folder + "/rival.py' " + arguments + " > '" + out + "'";
  in_ = ::popen(command.c_str(), "w");
  answers_.open(out);
  std::string word;
  if (in_ == nullptr || !(answers_ >> word) || word != "ready") give_up("the rival does not start");
}

std::pair<double, double> python_rival::run() {
  std::fputs("go\n", in_);
  std::fflush(in_);
  std::pair<double, double> out;
  if (!(answers_ >> out.first >> out.second)) give_up("the rival has ended");
  return out;
}

void python_rival::finish() {
  if (in_ != nullptr) ::pclose(in_);
  in_ = nullptr;
}

}  // namespace stip::bench
