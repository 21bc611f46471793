#define CAF_SUITE store.segment

#include "libstip/store/segment.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <limits>

#include "libstip/core/defaults.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/fault_file_system.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t store_id = 0x1122334455667788;

struct fixture {
  scratch_directory directory;
  fault_file_system files;

  segment_writer writer(uint64_t most, uint32_t first = 1) {
    return {{directory.path(), store_id, first, 4096, most}, files};
  }
  static std::vector<std::byte> bytes(size_t size, int value) {
    return std::vector<std::byte>(size, std::byte(value));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(segment_tests, fixture)

CAF_TEST(names of segments go there and back and others are none) {
  for (const uint32_t id : {0u, 1u, 0x2au, 0xdeadbeefu, std::numeric_limits<uint32_t>::max()}) {
    const auto back = parse_segment_name(segment_name(id));
    CAF_REQUIRE(back);
    CAF_CHECK_EQUAL(*back, id);
  }
  const auto name = segment_name(42);
  CAF_CHECK_EQUAL(name, "0000002a.segment");
  for (const auto* other : {"", "2a.segment", "0000002A.segment", "0000002a.segments",
                            "0000002a.segment~", "g000002a.segment", "0000002a"})
    CAF_CHECK(!parse_segment_name(other));
}

CAF_TEST(a header is that of its store and its segment and tells damage) {
  const auto header = segment_header(store_id, 7);
  CAF_CHECK_EQUAL(header.size(), segment_header_bytes);
  CAF_CHECK(check_segment_header(header, store_id, 7));
  CAF_CHECK(code_of(check_segment_header(header, store_id, 8)) == ec::corrupt);
  CAF_CHECK(code_of(check_segment_header(header, store_id + 1, 7)) == ec::corrupt);
  for (size_t size = 0; size < header.size(); ++size)
    CAF_CHECK(!check_segment_header(header.substr(0, size), store_id, 7));
  for (size_t bit = 0; bit < header.size() * 8; ++bit) {
    auto damaged = header;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    CAF_CHECK(!check_segment_header(damaged, store_id, 7));
  }
  auto newer = header;
  newer[8] = 2;
  CAF_CHECK(code_of(check_segment_header(newer, store_id, 7)) == ec::incompatible);
}

CAF_TEST(records follow each other and a full segment is followed by another) {
  auto w = writer(10000);
  const std::vector<uint32_t> sizes = {4000, 4000, 4000, 8, 9936};
  std::vector<std::byte> records;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto one = bytes(sizes[i], static_cast<int>(i + 1));
    records.insert(records.end(), one.begin(), one.end());
  }
  const auto places = w.append(records, sizes);
  CAF_REQUIRE(places);
  CAF_CHECK(
      (*places == std::vector<block_location>{
                      {64, 1, 4000}, {4064, 1, 4000}, {64, 2, 4000}, {4064, 2, 8}, {64, 3, 9936}}));
  CAF_REQUIRE(w.sync());
  segment_reader reader{directory.path(), store_id};
  for (size_t i = 0; i < sizes.size(); ++i) {
    CAF_CHECK(w.holds(places->at(i)));
    std::vector<std::byte> out;
    CAF_REQUIRE(reader.read(places->at(i), out));
    CAF_CHECK(out == bytes(sizes[i], static_cast<int>(i + 1)));
  }
  const std::vector<uint32_t> too_large = {9944};
  CAF_CHECK(code_of(w.append(bytes(9944, 1), too_large)) == ec::limit_exceeded);
}

CAF_TEST(no page is written again after its sync) {
  auto w = writer(1 << 20);
  const std::vector<uint32_t> size = {104};
  uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const auto places = w.append(bytes(104, i), size);
    CAF_REQUIRE(places);
    const auto page = places->at(0).offset / defaults::segment_page_bytes;
    if (i > 0) CAF_CHECK(page > last / defaults::segment_page_bytes);
    last = places->at(0).offset + 103;
    CAF_CHECK(w.is_unsynced(places->at(0)));
    CAF_REQUIRE(w.sync());
    CAF_CHECK(!w.is_unsynced(places->at(0)));
  }
}

CAF_TEST(after a failed sync the segment is given up from its last good one on) {
  auto w = writer(1 << 20);
  const std::vector<uint32_t> size = {104};
  const auto good = w.append(bytes(104, 1), size);
  CAF_REQUIRE(good);
  CAF_REQUIRE(w.sync());
  const auto lost = w.append(bytes(104, 2), size);
  CAF_REQUIRE(lost);
  files.fail_syncs(1);
  CAF_CHECK(!w.sync());
  CAF_CHECK(w.holds(good->at(0)));
  CAF_CHECK(!w.holds(lost->at(0)));
  const auto next = w.append(bytes(104, 3), size);
  CAF_REQUIRE(next);
  CAF_CHECK_EQUAL(next->at(0).segment, 2u);
}

CAF_TEST(files grow by doubling and by what is needed where there is less room) {
  auto w = writer(1 << 20);
  const std::vector<uint32_t> size = {3000};
  const auto path = directory / segment_name(1);
  CAF_REQUIRE(w.append(bytes(3000, 1), size));
  CAF_CHECK_EQUAL(std::filesystem::file_size(path), 4096u);
  CAF_REQUIRE(w.append(bytes(3000, 1), size));
  CAF_CHECK_EQUAL(std::filesystem::file_size(path), 8192u);
  files.limit_space(1000);
  CAF_REQUIRE(w.append(bytes(3000, 1), size));
  CAF_CHECK_EQUAL(std::filesystem::file_size(path), 9064u);
  CAF_CHECK(code_of(w.append(bytes(3000, 1), size)) == ec::no_space);
}

CAF_TEST(a reader keeps few files open and says which are gone or short) {
  auto w = writer(4096);
  std::vector<block_location> places;
  const std::vector<uint32_t> size = {4000};
  for (size_t i = 0; i < defaults::max_open_segments + 20; ++i) {
    const auto appended = w.append(bytes(4000, static_cast<int>(i)), size);
    CAF_REQUIRE(appended);
    places.push_back(appended->at(0));
  }
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator{});
  };
  const auto before = open_files();
  segment_reader reader{directory.path(), store_id};
  for (int pass = 0; pass < 2; ++pass)
    for (size_t i = 0; i < places.size(); ++i) {
      std::vector<std::byte> out;
      CAF_REQUIRE(reader.read(places[i], out));
      CAF_CHECK(out == bytes(4000, static_cast<int>(i)));
    }
  CAF_CHECK_EQUAL(open_files() - before, static_cast<ptrdiff_t>(defaults::max_open_segments));
  std::vector<std::byte> out;
  CAF_CHECK(code_of(reader.read({64, 5000, 8}, out)) == ec::not_found);
  CAF_CHECK(code_of(reader.read({4096, 1, 8}, out)) == ec::corrupt);
  CAF_CHECK(out.empty());
  segment_reader stranger{directory.path(), store_id + 1};
  CAF_CHECK(code_of(stranger.read(places[0], out)) == ec::corrupt);
}

CAF_TEST_FIXTURE_SCOPE_END()
