#define CAF_SUITE store.records

#include "libstip/store/records.hpp"

#include <caf/test/unit_test.hpp>
#include <tuple>

#include "libstip/core/defaults.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr auto algorithm = geocode_algorithm::geohash;

struct fixture {
  scratch_directory directory;
  std::mt19937_64 random{seed};
  std::unique_ptr<environment> env;

  fixture() {
    environment::options o;
    o.databases = table::all();
    o.map_bytes = 1 << 20;
    auto opened = environment::open(directory / "m.mdb", o, posix_file_system());
    if (opened) env = std::move(*opened);
  }

  /// A chip whose blocks lie anywhere: in runs, scattered, empty.
  chip_record record() {
    auto sample =
        random_chip(random, sample_key(random() % 12), static_cast<uint16_t>(random() % 4), 4,
                    random() % 8, sample_version(int64_t(random() % 100)));
    chip_record r{sample.chip, {}};
    uint64_t offset = 64;
    uint32_t segment = 1;
    for (uint64_t i = 0; i < r.chip.blocks(); ++i) {
      if (random() % 4 == 0) {
        r.blocks.emplace_back();
        continue;
      }
      if (random() % 6 == 0) {
        segment = static_cast<uint32_t>(random());
        offset = random() % (uint64_t{1} << 30) * 8;
      }
      const auto bytes = static_cast<uint32_t>(8 + random() % 3000 * 8);
      r.blocks.push_back({offset, segment, bytes});
      offset += bytes;
    }
    return r;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(records_tests, fixture)

CAF_TEST(keys and values of chips come back as they were) {
  for (int i = 0; i < 100; ++i) {
    const auto r = record();
    const auto done = env->write([&](write_transaction& txn) -> result<void> {
      STIP_ASSIGN(const auto prefix, make_prefix(txn, algorithm, r.chip.key));
      STIP_ASSIGN(const auto id, intern(txn, name_kind::subdataset, r.chip.subdataset));
      stored_names names{txn};
      STIP_ASSIGN(const auto found, find_prefix(names, algorithm, r.chip.key));
      CAF_CHECK(found == prefix);
      STIP_ASSIGN(const auto image, read_prefix(names, algorithm, prefix));
      CAF_CHECK(image == r.chip.key);
      const auto value = encode_chip(r, id);
      for (const auto& key : {chip_key(prefix, r.chip.subdataset_index),
                              pending_key(prefix, r.chip.scene, 4, r.chip.subdataset_index)}) {
        STIP_ASSIGN(const auto back, decode_chip(image, key, value, names));
        CAF_CHECK(back.chip == r.chip);
        CAF_CHECK(back.blocks == r.blocks);
      }
      stored_chip stored;
      STIP_TRY(decode_stored_chip(value, stored));
      const listed_chip listed{r.chip.width, r.chip.height, r.chip.pixel_coverage(), r.bytes(),
                               r.chip.content};
      CAF_CHECK(stored.listed == listed);
      CAF_CHECK(stored.scene == r.chip.scene);
      CAF_CHECK_EQUAL(stored.subdataset, id);
      CAF_CHECK(stored.type == r.chip.type);
      CAF_CHECK_EQUAL(stored.bands, r.chip.bands);
      CAF_CHECK_EQUAL(stored.quality, r.chip.quality);
      return {};
    });
    CAF_REQUIRE(done);
  }
}

CAF_TEST(a value that is cut off or damaged is told and never trusted) {
  const auto r = record();
  size_t refused = 0, taken = 0;
  const auto done = env->write([&](write_transaction& txn) -> result<void> {
    STIP_ASSIGN(const auto prefix, make_prefix(txn, algorithm, r.chip.key));
    STIP_ASSIGN(const auto id, intern(txn, name_kind::subdataset, r.chip.subdataset));
    stored_names names{txn};
    const auto key = chip_key(prefix, r.chip.subdataset_index);
    const auto value = encode_chip(r, id);
    for (size_t size = 0; size < value.size(); ++size) {
      const auto cut = decode_chip(r.chip.key, key, value.substr(0, size), names);
      CAF_CHECK(!cut && cut.error().code == ec::corrupt);
    }
    for (int i = 0; i < 20000; ++i) {
      auto damaged = value;
      for (auto flips = 1 + random() % 3; flips > 0; --flips)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      const auto got = decode_chip(r.chip.key, key, damaged, names);
      ++(got ? taken : refused);
      if (got) CAF_CHECK_EQUAL(got->blocks.size(), got->chip.blocks());
    }
    return {};
  });
  CAF_REQUIRE(done);
  CAF_MESSAGE("seed " << seed << ": " << refused << " refused, " << taken << " still sound");
  CAF_CHECK(refused > 0);
}

CAF_TEST(keys sort as platform number and geocode and time do) {
  std::vector<std::pair<std::string, std::tuple<std::string, std::string, int64_t>>> keys;
  const auto done = env->write([&](write_transaction& txn) -> result<void> {
    for (const auto* platform : {"a", "b"})
      for (const auto* geocode : {"0", "00", "0z", "9", "b", "bc", "zz"})
        for (const int64_t time : {-62135596800ll, -1ll, 0ll, 1ll, 253402300799ll}) {
          STIP_ASSIGN(auto prefix,
                      make_prefix(txn, algorithm, {platform, geocode, "raw", "t", time}));
          CAF_CHECK_EQUAL(prefix.size(), image_prefix_bytes);
          keys.emplace_back(std::move(prefix), std::tuple{platform, geocode, time});
        }
    return {};
  });
  CAF_REQUIRE(done);
  for (const auto& a : keys)
    for (const auto& b : keys) CAF_CHECK((a.first < b.first) == (a.second < b.second));
}

CAF_TEST_FIXTURE_SCOPE_END()
