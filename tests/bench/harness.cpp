#include "tests/bench/harness.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace stip::bench {

namespace {

double seconds(const timeval& t) {
  return double(t.tv_sec) + double(t.tv_usec) * 1e-6;
}

double own_cpu_seconds() {
  rusage self{};
  rusage children{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  return seconds(self.ru_utime) + seconds(self.ru_stime) + seconds(children.ru_utime) +
         seconds(children.ru_stime);
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<double> each(const std::vector<measurement>& rounds,
                         double (*value)(const measurement&)) {
  std::vector<double> out;
  for (const auto& m : rounds) out.push_back(value(m));
  return out;
}

void print_list(const char* label, const std::vector<double>& values) {
  std::printf("%s[", label);
  for (size_t i = 0; i < values.size(); ++i) std::printf(i == 0 ? "%.4g" : " %.4g", values[i]);
  std::printf("]");
}

void print_verdict(double value, goal side, double bound) {
  const bool reached = side == goal::at_least ? value >= bound : value <= bound;
  std::printf("  goal %s %.4g: %s\n", side == goal::at_least ? ">=" : "<=", bound,
              reached ? "reached" : "MISSED");
}

/// Each thread lists the children that it started.
std::vector<int> children_of(int pid) {
  std::vector<int> found;
  std::error_code gone;
  const auto tasks = "/proc/" + std::to_string(pid) + "/task";
  for (auto task = std::filesystem::directory_iterator{tasks, gone};
       !gone && task != std::filesystem::directory_iterator{}; task.increment(gone)) {
    std::ifstream list{task->path() / "children"};
    for (int child = 0; list >> child;) found.push_back(child);
  }
  return found;
}

struct entry {
  std::string about;
  std::function<void(const options&)> run;
};

std::vector<std::pair<std::string, entry>>& registry() {
  static std::vector<std::pair<std::string, entry>> all;
  return all;
}

void print_usage() {
  std::printf(
      "stip-bench [--rounds N] [NAME [ARGUMENT...]]\n\n"
      "Compares stip with what else does the same job. Without a name: all of these.\n\n");
  for (const auto& [name, what] : registry())
    std::printf("  %-16s %s\n", name.c_str(), what.about.c_str());
  std::printf("\nExample: stip-bench --rounds 9 chips\n");
}

}  // namespace

comparison::comparison(std::string title, std::string unit, const bench::options& options)
    : title_(std::move(title)), unit_(std::move(unit)), options_(options) {}

comparison& comparison::add(std::string name, std::function<work()> run,
                            std::function<void()> prepare) {
  contenders_.push_back({std::move(name), std::move(run), std::move(prepare), {}});
  return *this;
}

comparison& comparison::repeat_for(double seconds) {
  repeat_s_ = seconds;
  return *this;
}

measurement comparison::measure(contender& c) const {
  if (c.prepare) c.prepare();
  measurement out;
  const auto cpu = own_cpu_seconds();
  const auto wall = now_seconds();
  do {
    const auto done = c.run();
    out.amount += done.amount;
    out.cpu_s += done.foreign_cpu_s;
    out.wall_s = now_seconds() - wall;
  } while (out.wall_s < repeat_s_);
  out.cpu_s += own_cpu_seconds() - cpu;
  return out;
}

void comparison::run() {
  std::printf("\n%s\n", title_.c_str());
  std::fflush(stdout);
  for (auto& c : contenders_) measure(c);
  for (size_t round = 0; round < options_.rounds; ++round)
    for (size_t i = 0; i < contenders_.size(); ++i) {
      auto& c = contenders_[(round + i) % contenders_.size()];
      c.rounds.push_back(measure(c));
    }
  size_t width = 0;
  for (const auto& c : contenders_) width = std::max(width, c.name.size());
  for (const auto& c : contenders_) {
    const auto rates = each(c.rounds, [](const measurement& m) { return m.rate(); });
    const auto wall = each(c.rounds, [](const measurement& m) { return m.wall_s; });
    const auto cpu = each(c.rounds, [](const measurement& m) { return m.cpu_s; });
    std::printf("  %-*s  %10.4g %s/s  %8.4g s wall  %8.4g s CPU  ", int(width), c.name.c_str(),
                median(rates), unit_.c_str(), median(wall), median(cpu));
    print_list("rounds ", rates);
    std::printf("\n");
  }
  std::fflush(stdout);
}

const comparison::contender& comparison::find(const std::string& name) const {
  for (const auto& c : contenders_)
    if (c.name == name) return c;
  give_up("no contender is named " + name);
}

const std::vector<measurement>& comparison::of(const std::string& name) const {
  return find(name).rounds;
}

double comparison::print_ratio(const std::string& a, const std::string& b) const {
  const auto& ours = find(a).rounds;
  const auto& theirs = find(b).rounds;
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i].rate() / theirs[i].rate());
  const auto middle = median(ratios);
  std::printf("  %s / %s: %.4g  ", a.c_str(), b.c_str(), middle);
  print_list("", ratios);
  return middle;
}

double comparison::ratio(const std::string& a, const std::string& b) const {
  const auto middle = print_ratio(a, b);
  std::printf("\n");
  return middle;
}

double comparison::ratio(const std::string& a, const std::string& b, goal side,
                         double bound) const {
  const auto middle = print_ratio(a, b);
  print_verdict(middle, side, bound);
  return middle;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void report(const std::string& what, double value, const std::string& unit) {
  std::printf("  %s: %.4g %s\n", what.c_str(), value, unit.c_str());
}

void report(const std::string& what, double value, const std::string& unit, goal side,
            double bound) {
  std::printf("  %s: %.4g %s", what.c_str(), value, unit.c_str());
  print_verdict(value, side, bound);
}

double cpu_seconds_of(int pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  std::getline(stat, line);
  // The program's name may hold blanks; the fields after its parenthesis do not.
  std::istringstream fields{line.substr(std::min(line.size(), line.rfind(')') + 1))};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double ticks = 0;
  for (int i = 0; i < 4; ++i) {
    double part = 0;
    fields >> part;
    ticks += part;
  }
  return ticks / double(sysconf(_SC_CLK_TCK));
}

double cpu_seconds_of_tree(int pid) {
  double sum = cpu_seconds_of(pid);
  for (const int child : children_of(pid)) sum += cpu_seconds_of_tree(child);
  return sum;
}

uint64_t own_bytes_of_tree(int pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  uint64_t kib = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:") || line.starts_with("RssShmem:"))
      kib += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
  uint64_t sum = kib * 1024;
  for (const int child : children_of(pid)) sum += own_bytes_of_tree(child);
  return sum;
}

size_t runnable_threads_of_tree(int pid) {
  size_t sum = 0;
  std::error_code gone;
  const auto tasks = "/proc/" + std::to_string(pid) + "/task";
  for (auto task = std::filesystem::directory_iterator{tasks, gone};
       !gone && task != std::filesystem::directory_iterator{}; task.increment(gone)) {
    std::ifstream stat{task->path() / "stat"};
    std::string line;
    std::getline(stat, line);
    // The state follows the name, which stands in parentheses and may hold some.
    const auto end = line.rfind(')');
    if (end != line.npos && end + 2 < line.size() && line[end + 2] == 'R') ++sum;
  }
  for (const int child : children_of(pid)) sum += runnable_threads_of_tree(child);
  return sum;
}

void use_processors(size_t count) {
  static const cpu_set_t all = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  size_t taken = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &all) && (count == 0 || taken < count)) {
      CPU_SET(cpu, &chosen);
      ++taken;
    }
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"})
    sched_setaffinity(std::stoi(task.path().filename()), sizeof chosen, &chosen);
}

void give_up(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "stip-bench: %s\n", why.c_str());
  std::exit(1);
}

registration::registration(std::string name, std::string about,
                           std::function<void(const options&)> run) {
  registry().emplace_back(std::move(name), entry{std::move(about), std::move(run)});
}

int run_benchmarks(int argc, char** argv) {
  std::sort(registry().begin(), registry().end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  options chosen;
  std::string name;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!name.empty()) {
      chosen.arguments.push_back(word);
    } else if (word == "-h" || word == "--help" || word == "--list") {
      print_usage();
      return 0;
    } else if (word == "--rounds" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      chosen.rounds = size_t(std::atoi(argv[++i]));
    } else if (word.starts_with("-")) {
      std::fprintf(stderr, "stip-bench: there is no option %s with that value; see --help\n",
                   word.c_str());
      return 2;
    } else {
      name = word;
    }
  }
  bool found = name.empty();
  for (const auto& [each, what] : registry())
    if (name.empty() || each == name) {
      found = true;
      std::printf("== %s: %s (%zu rounds)\n", each.c_str(), what.about.c_str(), chosen.rounds);
      what.run(chosen);
      std::printf("\n");
    }
  if (found) return 0;
  std::fprintf(stderr, "stip-bench: there is no benchmark '%s'; see --list\n", name.c_str());
  return 2;
}

}  // namespace stip::bench
