#include "tests/bench/harness.hpp"

int main(int argc, char** argv) {
  return stip::bench::run_benchmarks(argc, argv);
}
