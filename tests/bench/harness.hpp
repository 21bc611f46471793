#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/// Timing one way of doing a job against others, in one run.
///
/// Absolute figures of a shared machine swing by a factor of two within minutes, and whatever runs
/// first pays for the first touch of memory. So every comparison warms up, runs its contenders
/// interleaved, rotates who comes first, and is judged by ratios within a round.
namespace stip::bench {

/// What one run of a contender did.
struct work {
  /// In the unit of the comparison: bytes, rows, queries.
  double amount = 0;
  /// CPU seconds of other processes that this one does not wait for (a running node).
  double foreign_cpu_s = 0;
};

struct measurement {
  double wall_s = 0;
  /// Of all threads of this process and of the children that it has waited for.
  double cpu_s = 0;
  double amount = 0;

  double rate() const { return wall_s > 0 ? amount / wall_s : 0; }
};

/// Which side of a bound is good.
enum class goal { at_least, at_most };

/// What the command line gives to every comparison.
struct options {
  /// Timed rounds; a warm-up round comes before them.
  size_t rounds = 7;
  /// Words after the name.
  std::vector<std::string> arguments;
};

/// Contenders that do the same job.
///
///     comparison c{"decode a chip", "MB", options};
///     c.add("ours", [&] { decode(...); return work{megabytes}; });
///     c.add("Blosc", [&] { ... });
///     c.run();
///     c.ratio("ours", "Blosc", goal::at_least, 3);
class comparison {
 public:
  /// `unit` is what work::amount counts; the table prints it per second.
  comparison(std::string title, std::string unit, const bench::options& options);

  /// `run` is timed; `prepare` is not, and comes before each `run`.
  comparison& add(std::string name, std::function<work()> run, std::function<void()> prepare = {});
  /// A short job is repeated until this much time has passed (0: it runs once a round).
  comparison& repeat_for(double seconds);

  /// The warm-up and all rounds; prints every round and the medians.
  void run();

  /// The measurements of a contender, one a round.
  const std::vector<measurement>& of(const std::string& name) const;

  /// Prints the median over the rounds of rate(a) / rate(b), with all of its rounds, and whether it
  /// reaches the bound. Returns the median.
  double ratio(const std::string& a, const std::string& b) const;
  double ratio(const std::string& a, const std::string& b, goal side, double bound) const;

 private:
  struct contender {
    std::string name;
    std::function<work()> run;
    std::function<void()> prepare;
    std::vector<measurement> rounds;
  };
  const contender& find(const std::string& name) const;
  measurement measure(contender& c) const;
  double print_ratio(const std::string& a, const std::string& b) const;

  std::string title_;
  std::string unit_;
  bench::options options_;
  double repeat_s_ = 0;
  std::vector<contender> contenders_;
};

/// The middle value; of an even count the mean of the two middle ones. 0 for none.
double median(std::vector<double> values);

/// Prints a figure that is no ratio of rates (a size, a latency), and whether it reaches the bound.
void report(const std::string& what, double value, const std::string& unit);
void report(const std::string& what, double value, const std::string& unit, goal side,
            double bound);

/// CPU seconds of another process so far, its waited-for children included (/proc/PID/stat).
double cpu_seconds_of(int pid);

/// The same of a process and of all that descend from it and live.
double cpu_seconds_of_tree(int pid);

/// Memory that is these processes' own now: anonymous pages and shared ones, which count once a
/// process that has them (RssAnon and RssShmem of /proc/PID/status), of a process and of all that
/// descend from it.
uint64_t own_bytes_of_tree(int pid);

/// Threads that run, or wait for a processor to do so, of a process and of all that descend from
/// it.
size_t runnable_threads_of_tree(int pid);

/// Lets all threads of this process, and those that they start, run on the first `count`
/// processors only; 0 gives all of them back. The processors are those of the start.
void use_processors(size_t count);

/// Ends the program with the message: a benchmark that cannot run must not print figures.
[[noreturn]] void give_up(const std::string& why);

/// The value of a result<T>, or give_up.
template <class Result>
auto value_or_give_up(Result&& made) {
  if (!made) give_up(to_string(made.error()));
  return std::move(*made);
}

/// Puts a benchmark into the list of `stip-bench`.
struct registration {
  registration(std::string name, std::string about, std::function<void(const options&)> run);
};

/// The program: reads the command line, runs what it names. The exit status.
int run_benchmarks(int argc, char** argv);

}  // namespace stip::bench

/// Defines the benchmark `name`: STIP_BENCH(chips, "our codec against others") { ... options ... }
#define STIP_BENCH(name, about)                                                             \
  static void stip_bench_##name(const stip::bench::options& options);                       \
  static const stip::bench::registration stip_bench_registration_##name{#name, about,       \
                                                                        stip_bench_##name}; \
  static void stip_bench_##name([[maybe_unused]] const stip::bench::options& options)
