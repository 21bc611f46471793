#define CAF_SUITE cluster.upload_spool
#include "libstip/cluster/upload_spool.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "libstip/core/hash.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

namespace fs = std::filesystem;

constexpr uint64_t piece_bytes = defaults::upload_chunk_bytes;
constexpr uint64_t plenty = UINT64_MAX / 4;

upload_manifest file_of(const std::string& name, uint64_t bytes) {
  return {"/data/" + name, name, {{name, bytes}}};
}

struct fixture {
  scratch_directory files;
  std::string root = files / "uploads";
  int64_t now = 1'000;

  upload_spool make(uint64_t space = 10 * piece_bytes, uint64_t watermark = 0) {
    return upload_spool{{root, space, watermark, std::chrono::milliseconds{60'000}}};
  }
  /// Writes a piece as the node does; whether the input is whole now.
  bool put(upload_spool& spool, uint64_t batch, uint64_t input, uint64_t file, uint64_t offset,
           const std::string& bytes) {
    const auto path = spool.place(batch, input, file, offset, bytes.size(), now);
    if (!path) CAF_FAIL(to_string(path.error()));
    if (path->empty()) return false;
    const auto done = write_piece(*path, offset, bytes, hash64(bytes));
    if (!done) CAF_FAIL(to_string(done.error()));
    return spool.written(batch, input, file, offset, true);
  }
  void remove_all(upload_spool& spool) {
    for (const auto& folder : spool.take_removals()) {
      CAF_CHECK(remove_folder(folder).has_value());
      spool.removed(folder);
    }
  }
  size_t files_there() {
    std::error_code failed;
    size_t out = 0;
    for (fs::recursive_directory_iterator at(root, failed), end; !failed && at != end; ++at)
      out += at->is_regular_file();
    return out;
  }
};

std::string text_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(upload_spool_tests, fixture)

CAF_TEST(hostile names are refused) {
  const auto refused = [](const std::string& name) {
    return code_of(check(upload_manifest{"/data/x", name, {{name, 1}}})) == ec::invalid_argument;
  };
  for (const std::string name :
       {"", ".", "..", "/etc/passwd", "../x", "a/../b", "a/..", "a//b", "a/", "./a", "a/./b"}) {
    CAF_MESSAGE("'" << name << "'");
    CAF_CHECK(refused(name));
  }
  CAF_CHECK(refused(std::string("a\0b", 3)));
  CAF_CHECK(refused("a\nb"));
  CAF_CHECK(refused("a\xff"));
  CAF_CHECK(refused(std::string(256, 'a')));
  CAF_CHECK(refused(std::string(defaults::max_upload_name_bytes + 1, 'a')));
  std::string deep = "a";
  for (size_t i = 0; i < defaults::max_upload_depth; ++i) deep += "/a";
  CAF_CHECK(refused(deep));
  CAF_CHECK(!refused("a.SAFE/GRANULE/b..c/...x"));
}

CAF_TEST(what contradicts itself is refused) {
  using files = std::vector<product_member>;
  const auto code = [](const std::string& entry, files what) {
    return code_of(check(upload_manifest{"/data/x", entry, std::move(what)}));
  };
  CAF_CHECK(code("a", {}) == ec::invalid_argument);
  CAF_CHECK(code("a", {{"b", 1}}) == ec::invalid_argument);
  CAF_CHECK(code("a", {{"a", 1}, {"a", 1}}) == ec::invalid_argument);
  CAF_CHECK(code("a", {{"a", 1}, {"a/b", 1}}) == ec::invalid_argument);
  CAF_CHECK(code("a", {{"ab/c", 1}}) == ec::invalid_argument);
  CAF_CHECK(check(upload_manifest{"/data/x", "a", {{"a/b", 1}, {"a/c/d", 1}}}).has_value());
  CAF_CHECK(check(upload_manifest{"/data/x", "a/b", {{"a/b", 1}, {"a/c", 1}}}).has_value());
  CAF_CHECK(code_of(check(upload_manifest{"", "a", {{"a", 1}}})) == ec::invalid_argument);
  files many;
  for (size_t i = 0; i <= defaults::max_upload_files; ++i) many.push_back({std::to_string(i), 0});
  CAF_CHECK(code("0", many) == ec::limit_exceeded);
}

CAF_TEST(sizes that overflow are larger than any room) {
  auto spool = make();
  const auto batch = spool.open(1, now);
  const upload_manifest huge{"/x", "a", {{"a/b", UINT64_MAX}, {"a/c", UINT64_MAX}}};
  CAF_CHECK(code_of(spool.begin(batch, 0, huge, plenty, now)) == ec::limit_exceeded);
  CAF_CHECK_EQUAL(spool.used(), 0u);
}

CAF_TEST(an input is whole when all pieces of all files are there in any order) {
  std::mt19937_64 random{7};
  auto spool = make();
  const auto batch = spool.open(1, now);
  const upload_manifest wanted{
      "/data/p", "p", {{"p/a", 2 * piece_bytes + 5}, {"p/b/c", 0}, {"p/d", piece_bytes}}};
  const auto word = spool.begin(batch, 0, wanted, plenty, now);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::send);
  std::vector<std::pair<uint64_t, uint64_t>> pieces;
  std::vector<std::string> contents;
  for (uint64_t f = 0; f < wanted.files.size(); ++f) {
    std::string text(wanted.files[f].bytes, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    contents.push_back(text);
    for (uint64_t i = 0; i < upload_chunks(text.size()); ++i) pieces.emplace_back(f, i);
  }
  std::shuffle(pieces.begin(), pieces.end(), random);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto [file, piece] = pieces[i];
    const auto bytes = contents[file].substr(piece * piece_bytes, piece_bytes);
    CAF_CHECK_EQUAL(spool.unsent(batch), 1u);
    const bool whole = put(spool, batch, 0, file, piece * piece_bytes, bytes);
    CAF_CHECK_EQUAL(whole, i + 1 == pieces.size());
    // Sent again, since an answer was lost.
    CAF_CHECK(!put(spool, batch, 0, file, piece * piece_bytes, bytes));
  }
  CAF_CHECK_EQUAL(spool.unsent(batch), 0u);
  const auto whole = spool.whole(batch, 0);
  CAF_CHECK_EQUAL(whole.name, "/data/p");
  CAF_CHECK_EQUAL(whole.path(), whole.folder + "p");
  for (size_t f = 0; f < contents.size(); ++f) {
    const auto there = text_of(whole.folder + wanted.files[f].name);
    CAF_CHECK(there == contents[f]);
  }
  CAF_CHECK(spool.settle(batch, 0));
  CAF_CHECK(!spool.settle(batch, 0));
  CAF_CHECK(spool.settled(batch));
  remove_all(spool);
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_CHECK_EQUAL(spool.used(), 0u);
}

CAF_TEST(pieces that were not announced are refused) {
  auto spool = make();
  const auto batch = spool.open(2, now);
  CAF_CHECK(code_of(spool.place(batch, 0, 0, 0, 1, now)) == ec::not_found);
  CAF_CHECK(code_of(spool.begin(batch, 2, file_of("a", 1), plenty, now)) == ec::invalid_argument);
  CAF_REQUIRE(spool.begin(batch, 0, file_of("a", piece_bytes + 1), plenty, now).has_value());
  const auto code = [&](uint64_t file, uint64_t offset, uint64_t bytes) {
    return code_of(spool.place(batch, 0, file, offset, bytes, now));
  };
  CAF_CHECK(code(1, 0, piece_bytes) == ec::invalid_argument);
  CAF_CHECK(code(0, 1, piece_bytes) == ec::invalid_argument);
  CAF_CHECK(code(0, 0, piece_bytes + 1) == ec::invalid_argument);
  CAF_CHECK(code(0, 0, piece_bytes - 1) == ec::invalid_argument);
  CAF_CHECK(code(0, piece_bytes, 2) == ec::invalid_argument);
  CAF_CHECK(code(0, 2 * piece_bytes, 0) == ec::invalid_argument);
  CAF_CHECK(code(0, UINT64_MAX - piece_bytes + 1, 1) == ec::invalid_argument);
  CAF_CHECK(code_of(spool.place(batch + 1, 0, 0, 0, 1, now)) == ec::not_found);
}

CAF_TEST(a piece that does not match its checksum is not written) {
  const auto path = files / "x";
  CAF_CHECK(code_of(write_piece(path, 0, "abc", hash64("abd"))) == ec::corrupt);
  CAF_CHECK(!fs::exists(path));
  fs::create_symlink(files / "elsewhere", path);
  CAF_CHECK(!write_piece(path, 0, "abc", hash64("abc")).has_value());
  CAF_CHECK(!fs::exists(files / "elsewhere"));
}

CAF_TEST(who finds no room waits for it and what never fits is refused) {
  auto spool = make(3 * piece_bytes);
  const auto one = spool.open(2, now);
  const auto other = spool.open(1, now);
  const auto begin = [&](uint64_t batch, uint64_t input, uint64_t bytes, uint64_t free = plenty) {
    return spool.begin(batch, input, file_of("a", bytes), free, now);
  };
  CAF_CHECK(code_of(begin(one, 0, 3 * piece_bytes + 1)) == ec::limit_exceeded);
  CAF_REQUIRE(begin(one, 0, 2 * piece_bytes).has_value());
  auto word = begin(other, 0, 2 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::wait);
  // Said twice it counts once.
  word = begin(one, 0, 2 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::send);
  CAF_CHECK_EQUAL(spool.used(), 2 * piece_bytes);
  spool.settle(one, 0);
  // The files are there still.
  word = begin(other, 0, 2 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::wait);
  remove_all(spool);
  word = begin(other, 0, 2 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::send);
  CAF_CHECK(code_of(begin(one, 0, 1)) == ec::already_exists);
}

CAF_TEST(a disk without space is refused unless it is the spool that fills it) {
  auto spool = make(10 * piece_bytes, 5 * piece_bytes);
  const auto batch = spool.open(3, now);
  const auto begin = [&](uint64_t input, uint64_t free) {
    return spool.begin(batch, input, file_of("a", piece_bytes), free, now);
  };
  CAF_CHECK(code_of(begin(0, 0)) == ec::no_space);
  CAF_CHECK(code_of(begin(0, 6 * piece_bytes - 1)) == ec::no_space);
  auto word = begin(0, 6 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::send);
  // What is promised counts, though it is not written yet.
  word = begin(1, 6 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::wait);
  put(spool, batch, 0, 0, 0, std::string(piece_bytes, 'x'));
  word = begin(1, 6 * piece_bytes);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::send);
}

CAF_TEST(so many inputs of a task are begun at a time and no more) {
  auto spool = make(UINT64_MAX);
  const auto batch = spool.open(1'000, now);
  for (uint64_t i = 0; i < defaults::max_begun_uploads; ++i) {
    const auto word = spool.begin(batch, i, file_of("a", 1), plenty, now);
    CAF_REQUIRE(word.has_value());
    CAF_CHECK(*word == upload_spool::word::send);
  }
  const auto word = spool.begin(batch, 999, file_of("a", 1), plenty, now);
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word == upload_spool::word::wait);
}

CAF_TEST(a client that is silent is given up unless all is sent) {
  auto spool = make();
  const auto batch = spool.open(2, now);
  CAF_REQUIRE(spool.begin(batch, 0, file_of("a", 2), plenty, now).has_value());
  CAF_REQUIRE(spool.begin(batch, 1, file_of("b", 2 * piece_bytes), plenty, now).has_value());
  now += 59'999;
  CAF_CHECK(spool.abandoned(now).empty());
  CAF_CHECK(put(spool, batch, 0, 0, 0, "ab"));
  now += 59'999;
  CAF_CHECK(spool.abandoned(now).empty());
  put(spool, batch, 1, 0, 0, std::string(piece_bytes, 'x'));
  now += 60'000;
  CAF_REQUIRE_EQUAL(spool.abandoned(now).size(), 1u);
  CAF_CHECK_EQUAL(spool.give_up(batch), 1u);
  remove_all(spool);
  // What was sent whole stays until it is stored.
  CAF_CHECK_EQUAL(files_there(), 1u);
  CAF_CHECK(!spool.settled(batch));
  CAF_CHECK(spool.abandoned(now).empty());
  spool.settle(batch, 0);
  CAF_CHECK(spool.settled(batch));
  remove_all(spool);
  CAF_CHECK_EQUAL(files_there(), 0u);
}

CAF_TEST(nothing is removed while it is being written) {
  auto spool = make();
  const auto batch = spool.open(1, now);
  CAF_REQUIRE(spool.begin(batch, 0, file_of("a", piece_bytes + 1), plenty, now).has_value());
  const auto path = spool.place(batch, 0, 0, 0, piece_bytes, now);
  CAF_REQUIRE(path.has_value());
  spool.close(batch);
  CAF_CHECK(spool.take_removals().empty());
  CAF_CHECK(code_of(spool.place(batch, 0, 0, piece_bytes, 1, now)) == ec::not_found);
  CAF_CHECK(!spool.written(batch, 0, 0, 0, true));
  CAF_CHECK_EQUAL(spool.used(), piece_bytes + 1);
  remove_all(spool);
  CAF_CHECK_EQUAL(spool.used(), 0u);
  // The batch is forgotten, and late news of it do no harm.
  CAF_CHECK(!spool.written(batch, 0, 0, 0, true));
}

CAF_TEST(what an earlier run has left is gone after a restart) {
  {
    auto spool = make();
    const auto batch = spool.open(1, now);
    CAF_REQUIRE(spool.begin(batch, 0, file_of("a", 2 * piece_bytes), plenty, now).has_value());
    put(spool, batch, 0, 0, 0, std::string(piece_bytes, 'x'));
  }
  CAF_CHECK_EQUAL(files_there(), 1u);
  CAF_CHECK(empty_spool(root).has_value());
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_CHECK(empty_spool(root).has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
