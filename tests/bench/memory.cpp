#include <cstring>
#include <vector>

#include "tests/bench/harness.hpp"

using namespace stip::bench;

// What the machine itself gives: the other figures are to be read beside it.
STIP_BENCH(memory, "memcpy in cache and out of it: what the machine gives") {
  comparison c{"memcpy, one thread", "GB", options};
  c.repeat_for(0.05);
  const auto copy = [](size_t bytes) {
    return [from = std::vector<char>(bytes, 1), to = std::vector<char>(bytes)]() mutable {
      std::memcpy(to.data(), from.data(), from.size());
      return work{double(from.size()) * 1e-9, 0};
    };
  };
  c.add("512 KiB (in cache)", copy(512 << 10));
  c.add("8 MiB", copy(8 << 20));
  c.add("512 MiB (in memory)", copy(512 << 20));
  c.run();
  c.ratio("512 KiB (in cache)", "512 MiB (in memory)");
}
