#include "libstip/core/heap.hpp"

#include <malloc.h>

#include <cstdlib>
#include <thread>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// glibc looks at the end of an arena when a piece of at least 64 KiB
/// (FASTBIN_CONSOLIDATION_THRESHOLD) is freed in it.
void free_large_piece() {
  constexpr size_t large_bytes = 128 << 10;
  void* piece = std::malloc(large_bytes);
  // Else the compiler leaves out both.
  asm volatile("" : : "r"(piece) : "memory");
  std::free(piece);
}

}  // namespace

void set_up_heap() {
  mallopt(M_ARENA_MAX, defaults::malloc_arenas);
  mallopt(M_MMAP_THRESHOLD, defaults::malloc_mmap_bytes);
  mallopt(M_TRIM_THRESHOLD, defaults::malloc_trim_bytes);
}

void give_back_heap() {
  // malloc_trim leaves alone what is free at the end of every arena but the first, which may be
  // malloc_trim_bytes. New threads are given the arenas in turn.
  mallopt(M_TRIM_THRESHOLD, 0);
  for (int i = 0; i < defaults::malloc_arenas; ++i) std::thread{free_large_piece}.join();
  mallopt(M_TRIM_THRESHOLD, defaults::malloc_trim_bytes);
  malloc_trim(0);
}

}  // namespace stip
