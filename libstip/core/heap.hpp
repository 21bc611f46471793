#pragma once

namespace stip {

/// Keeps freed memory from staying with the process (glibc; defaults::malloc_arenas and its
/// neighbours). A chip's bytes are allocated by a loader's thread and freed by another; with
/// glibc's defaults, an arena a thread and a threshold for mmap that grows, a load held 1.5 times
/// the memory. Once, before there are threads.
void set_up_heap();

/// Gives back to the system what lies free in the heap, in all of its arenas. Any thread, now and
/// then: what is needed again costs the first touch of its pages.
void give_back_heap();

}  // namespace stip
