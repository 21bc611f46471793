#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// What reads bytes that a stranger has written, one target a file of this directory: FUZZ_TARGET
// (name) { ... } gets the bytes as `input` and only has to come to an end. Two programs run them:
// the suites of unit-fuzz over the corpus and mutations that follow from a seed (replay.cpp), and
// libFuzzer, for which each is a program of its own (sbin/fuzz).

namespace stip::test {

struct fuzz_target {
  std::string_view name;
  void (*run)(std::string_view input);
};

/// All targets that are linked, by the order of their registration.
std::vector<fuzz_target>& fuzz_targets();

struct fuzz_registration {
  fuzz_registration(std::string_view name, void (*run)(std::string_view)) {
    fuzz_targets().push_back({name, run});
  }
};

}  // namespace stip::test

#ifdef STIP_LIBFUZZER
#define FUZZ_TARGET(name)                                                   \
  static void fuzz_##name(std::string_view input);                          \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    fuzz_##name({reinterpret_cast<const char*>(data), size});               \
    return 0;                                                               \
  }                                                                         \
  static void fuzz_##name(std::string_view input)
#else
#define FUZZ_TARGET(name)                                                           \
  static void fuzz_##name(std::string_view input);                                  \
  static const stip::test::fuzz_registration registered_##name{#name, fuzz_##name}; \
  static void fuzz_##name(std::string_view input)
#endif
