#define CAF_SUITE fuzz.replay
#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/fuzz/fuzz_target.hpp"

using namespace stip::test;

std::vector<fuzz_target>& stip::test::fuzz_targets() {
  static std::vector<fuzz_target> all;
  return all;
}

namespace {

constexpr size_t most_bytes = 64 << 10;
constexpr uint64_t seed = 20261122;

/// The corpus of a target, in the order of names.
std::vector<std::string> corpus_of(std::string_view target) {
  std::vector<std::filesystem::path> paths;
  const auto directory = std::filesystem::path{STIP_FUZZ_CORPUS} / target;
  if (std::filesystem::is_directory(directory))
    for (const auto& entry : std::filesystem::directory_iterator{directory})
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    out.push_back(text.str());
  }
  return out;
}

/// Changes some bytes, numbers and lines, cuts pieces out, doubles them, and joins two texts.
std::string mutate(std::mt19937_64& random, const std::vector<std::string>& corpus) {
  const auto below = [&](size_t n) { return n == 0 ? size_t{0} : size_t(random() % n); };
  auto text = corpus[below(corpus.size())];
  for (auto changes = 1 + below(6); changes > 0; --changes) {
    const auto at = below(text.size());
    const auto length = below(std::min<size_t>(text.size() - at, 200));
    switch (below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(at, std::to_string(static_cast<int64_t>(random() >> below(64))));
        break;
      case 4: {
        const auto& other = corpus[below(corpus.size())];
        text.insert(at, other.substr(below(other.size()), 1 + below(200)));
        break;
      }
      default:
        text.resize(at);
    }
  }
  text.resize(std::min(text.size(), most_bytes));
  return text;
}

size_t rounds() {
  const char* given = std::getenv("STIP_FUZZ_ROUNDS");
  return given == nullptr ? 2000 : std::strtoul(given, nullptr, 10);
}

}  // namespace

CAF_TEST(no target fails on its corpus or on what becomes of it) {
  CAF_CHECK(fuzz_targets().size() >= 6u);
  for (const auto& target : fuzz_targets()) {
    const auto corpus = corpus_of(target.name);
    CAF_MESSAGE(target.name << ": " << corpus.size() << " texts, " << rounds()
                            << " mutations of seed " << seed);
    CAF_REQUIRE(!corpus.empty());
    for (const auto& text : corpus) target.run(text);
    std::mt19937_64 random{seed};
    for (size_t i = 0; i < rounds(); ++i) target.run(mutate(random, corpus));
  }
}
