#include "tests/simulation/program/seeds.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace stip::sim {

namespace {

/// What a worker writes for each seed, before the text of the failure.
struct figures {
  int64_t simulated_ms = 0;
  uint64_t faults = 0, packets = 0, digest = 0;
  uint64_t stores = 0, deletions = 0, searches = 0, disks_destroyed = 0;
  uint64_t failure_bytes = 0;
};

bool write_all(int to, const void* bytes, size_t size) {
  for (const auto* at = static_cast<const char*>(bytes); size > 0;) {
    const auto written = ::write(to, at, size);
    if (written <= 0) return false;
    at += written;
    size -= size_t(written);
  }
  return true;
}

bool read_all(int from, void* bytes, size_t size) {
  for (auto* at = static_cast<char*>(bytes); size > 0;) {
    const auto got = ::read(from, at, size);
    if (got <= 0) return false;
    at += got;
    size -= size_t(got);
  }
  return true;
}

bool tell(int to, const copies_outcome& o) {
  const figures f{o.simulated_ms, o.faults,   o.packets,         o.digest,        o.stores,
                  o.deletions,    o.searches, o.disks_destroyed, o.failure.size()};
  return write_all(to, &f, sizeof f) && write_all(to, o.failure.data(), o.failure.size());
}

copies_outcome hear(int from) {
  figures f;
  copies_outcome o;
  if (!read_all(from, &f, sizeof f)) {
    o.failure = "the process that ran it has died";
    return o;
  }
  o.failure.resize(f.failure_bytes);
  if (!read_all(from, o.failure.data(), o.failure.size())) o.failure = "it was cut off";
  o.simulated_ms = f.simulated_ms;
  o.faults = f.faults;
  o.packets = f.packets;
  o.digest = f.digest;
  o.stores = f.stores;
  o.deletions = f.deletions;
  o.searches = f.searches;
  o.disks_destroyed = f.disks_destroyed;
  return o;
}

struct worker {
  pid_t process = 0;
  int answers = -1;
};

worker begin(uint64_t first, uint64_t end, size_t step,
             const std::function<copies_outcome(uint64_t)>& run) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return {};
  const auto process = ::fork();
  if (process == 0) {
    ::close(ends[0]);
    for (auto seed = first; seed < end; seed += step)
      if (!tell(ends[1], run(seed))) break;
    ::_exit(0);
  }
  ::close(ends[1]);
  return {process, ends[0]};
}

}  // namespace

void run_seeds(uint64_t from, uint64_t count, size_t processes,
               const std::function<copies_outcome(uint64_t seed)>& run,
               const std::function<bool(uint64_t seed, const copies_outcome& outcome)>& take) {
  if (processes < 2 || count < 2) {
    for (auto seed = from; seed < from + count; ++seed)
      if (!take(seed, run(seed))) return;
    return;
  }
  std::vector<worker> workers;
  for (size_t i = 0; i < processes; ++i)
    workers.push_back(begin(from + i, from + count, processes, run));
  for (uint64_t n = 0; n < count; ++n)
    if (!take(from + n, hear(workers[n % processes].answers))) break;
  for (const auto& w : workers) {
    if (w.process > 0) ::kill(w.process, SIGKILL);
    if (w.process > 0) ::waitpid(w.process, nullptr, 0);
    if (w.answers >= 0) ::close(w.answers);
  }
}

}  // namespace stip::sim
