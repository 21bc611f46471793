#define CAF_SUITE store.data_directory

#include "libstip/store/data_directory.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture {
  scratch_directory scratch;
  std::string path = scratch / "data";

  result<std::unique_ptr<data_directory>> open(open_mode mode) {
    return data_directory::open(path, mode);
  }
  std::unique_ptr<data_directory> open_for_writing() {
    auto opened = open(open_mode::read_write);
    if (!opened) CAF_FAIL(to_string(opened.error()));
    return std::move(*opened);
  }

  static album some_album(const std::string& name) {
    album a;
    a.uid = hash128_of(name);
    a.name = name;
    a.created = a.changed = sample_version(1);
    return a;
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream{path + "/" + name} << text;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(data_directory_tests, fixture)

CAF_TEST(node id and values last and every start for writing counts) {
  uint64_t id = 0;
  const auto a = some_album("alps");
  {
    const auto d = open_for_writing();
    id = d->node_id();
    CAF_CHECK(id != 0);
    const auto lives = d->incarnation();
    CAF_CHECK_EQUAL(lives, 1u);
    CAF_REQUIRE(d->save(a));
    CAF_REQUIRE(d->save_value("task", "2", "two"));
    CAF_REQUIRE(d->save_value("task", "1", "one"));
    CAF_REQUIRE(d->save_value("tasks", "3", "three"));
    CAF_REQUIRE(d->save_value("task", "2", "TWO"));
    CAF_CHECK(code_of(d->erase_value("task", "9")) == ec::not_found);
    CAF_CHECK(code_of(d->save_value("", "x", "")) == ec::invalid_argument);
    CAF_CHECK(code_of(d->save_value("k", std::string(256, 'n'), "")) == ec::invalid_argument);
  }
  const auto d = open_for_writing();
  CAF_CHECK_EQUAL(d->node_id(), id);
  const auto lives = d->incarnation();
  CAF_CHECK_EQUAL(lives, 2u);
  const auto albums = d->albums();
  CAF_REQUIRE(albums);
  CAF_CHECK(*albums == std::vector<album>{a});
  using pairs = std::vector<std::pair<std::string, std::string>>;
  auto values = d->values("task");
  CAF_REQUIRE(values);
  CAF_CHECK((*values == pairs{{"1", "one"}, {"2", "TWO"}}));
  CAF_REQUIRE(d->erase_value("task", "1"));
  values = d->values("task");
  CAF_REQUIRE(values);
  CAF_CHECK((*values == pairs{{"2", "TWO"}}));
}

CAF_TEST(an incarnation that was taken is below that of the next start) {
  {
    const auto d = open_for_writing();
    const auto second = d->next_incarnation();
    const auto third = d->next_incarnation();
    CAF_REQUIRE(second && third);
    CAF_CHECK_EQUAL(*second, 2u);
    CAF_CHECK_EQUAL(*third, 3u);
    const auto started = d->incarnation();
    CAF_CHECK_EQUAL(started, 1u);
  }
  {
    const auto d = open_for_writing();
    const auto started = d->incarnation();
    CAF_CHECK_EQUAL(started, 4u);
  }
  const auto reader = open(open_mode::read_only);
  CAF_REQUIRE(reader.has_value());
  CAF_CHECK(code_of((*reader)->next_incarnation()) == ec::forbidden);
}

CAF_TEST(one writes or many read) {
  CAF_CHECK(code_of(open(open_mode::read_only)) == ec::not_found);
  {
    const auto d = open_for_writing();
    const auto second = open(open_mode::read_write);
    CAF_REQUIRE(!second);
    CAF_CHECK(second.error().code == ec::locked);
    CAF_CHECK(to_string(second.error()).find(std::to_string(::getpid())) != std::string::npos);
    const auto reader = open(open_mode::read_only);
    CAF_REQUIRE(!reader);
    CAF_CHECK(reader.error().code == ec::locked);
    CAF_CHECK(!reader.error().advice.empty());
  }
  const auto one = open(open_mode::read_only);
  const auto two = open(open_mode::read_only);
  CAF_REQUIRE(one && two);
  CAF_CHECK((*one)->node_id() == (*two)->node_id());
  CAF_CHECK(code_of(open(open_mode::read_write)) == ec::locked);
  CAF_CHECK(code_of((*one)->save(some_album("a"))) == ec::forbidden);
  CAF_CHECK(code_of((*one)->save_value("a", "b", "c")) == ec::forbidden);
  CAF_CHECK(code_of((*one)->open_album(some_album("a"), {})) == ec::forbidden);
}

CAF_TEST(a directory of others or of a newer stip is left alone) {
  std::filesystem::create_directories(path);
  write("photo.jpg", "x");
  CAF_CHECK(code_of(open(open_mode::read_write)) == ec::invalid_argument);
  CAF_CHECK(!std::filesystem::exists(path + "/LOCK"));
  std::filesystem::remove(path + "/photo.jpg");
  // Whoever starts a node may have begun its log.
  std::filesystem::create_directories(path + "/log");
  write("log/stipd.out", "x");
  CAF_CHECK(code_of(open(open_mode::read_only)) == ec::not_found);
  open_for_writing();
  CAF_CHECK(std::filesystem::exists(path + "/log/stipd.out"));
  for (const auto& [text, code] :
       std::vector<std::pair<std::string, ec>>{{"stip 2\n", ec::incompatible},
                                               {"stip 0\n", ec::malformed},
                                               {"stip x\n", ec::malformed},
                                               {"stip 1", ec::malformed},
                                               {"", ec::malformed},
                                               {std::string(1000, '1'), ec::malformed}}) {
    write("VERSION", text);
    CAF_CHECK(code_of(open(open_mode::read_write)) == code);
    CAF_CHECK(code_of(open(open_mode::read_only)) == code);
  }
  write("VERSION", "stip 1\n");
  CAF_CHECK(open(open_mode::read_write));
}

CAF_TEST(a creation that was interrupted anywhere is completed by the next opening) {
  // The states that a kill can leave, in the order in which they come about.
  const auto make = [&](int steps) {
    std::filesystem::remove_all(path);
    if (steps >= 1) std::filesystem::create_directories(path);
    if (steps >= 2) write("LOCK", "");
    if (steps >= 3) write("LOCK", "stip pid 1\n");
    if (steps >= 4) std::filesystem::create_directory(path + "/node");
    if (steps >= 5) std::filesystem::create_directory(path + "/albums");
    if (steps >= 6) write("node/node.mdb.new", "half of it");
    if (steps >= 7) write("node/node.mdb.new-lock", "");
    if (steps >= 8) write("VERSION.new", "sti");
  };
  for (int steps = 0; steps <= 8; ++steps) {
    make(steps);
    if (steps > 0) CAF_CHECK(code_of(open(open_mode::read_only)) == ec::not_found);
    const auto d = open(open_mode::read_write);
    if (!d) CAF_FAIL(steps << " steps: " << to_string(d.error()));
    CAF_CHECK((*d)->node_id() != 0);
    std::ifstream in{path + "/VERSION"};
    std::stringstream text;
    text << in.rdbuf();
    const auto version = text.str();
    CAF_CHECK_EQUAL(version, "stip 1\n");
  }
}

CAF_TEST(albums have their own stores and go with their files) {
  const auto a = some_album("a"), b = some_album("b");
  const auto d = open_for_writing();
  std::mt19937_64 random{1};
  const sample_commit commit{{random_chip(random, sample_key(1), 0, 1, 0, sample_version(1))}, {}};
  {
    const auto store_a = d->open_album(a, {});
    const auto store_b = d->open_album(b, {});
    CAF_REQUIRE(store_a && store_b);
    CAF_REQUIRE(store(**store_a, commit));
    const auto in_a = (*store_a)->statistics().images, in_b = (*store_b)->statistics().images;
    CAF_CHECK_EQUAL(in_a, 1u);
    CAF_CHECK_EQUAL(in_b, 0u);
  }
  CAF_REQUIRE(d->remove_album(a.uid));
  CAF_REQUIRE(d->remove_album(a.uid));
  CAF_CHECK(!std::filesystem::exists(path + "/albums/" + to_string(a.uid)));
  CAF_CHECK(std::filesystem::exists(path + "/albums/" + to_string(b.uid)));
  const auto again = d->open_album(a, {});
  CAF_REQUIRE(again);
  const auto images = (*again)->statistics().images;
  CAF_CHECK_EQUAL(images, 0u);
}

CAF_TEST(a save that comes late does not bring back an older state of an album) {
  const auto d = open_for_writing();
  auto older = some_album("a");
  auto newer = older;
  newer.changed.wall_ms += 1;
  newer.closed = true;
  CAF_REQUIRE(d->save(newer));
  CAF_REQUIRE(d->save(older));
  const auto kept = d->albums();
  CAF_REQUIRE(kept);
  CAF_REQUIRE_EQUAL(kept->size(), 1u);
  CAF_CHECK(kept->front().closed);
}

CAF_TEST(a removal that was interrupted is completed by the next opening) {
  open_for_writing();
  const auto leftover = path + "/albums/" + to_string(hash128{1, 2}) + ".removed";
  std::filesystem::create_directories(leftover);
  std::filesystem::create_directories(path + "/albums/mine.removed");
  open_for_writing();
  CAF_CHECK(!std::filesystem::exists(leftover));
  CAF_CHECK(std::filesystem::exists(path + "/albums/mine.removed"));
}

CAF_TEST(a thousand albums open and close and leave nothing open) {
  const auto d = open_for_writing();
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator{});
  };
  const auto a = some_album("first");
  CAF_REQUIRE(d->open_album(a, {}));
  const auto before = open_files();
  // Creating an environment waits for the disk; most openings are of one that is there.
  for (int i = 0; i < 1000; ++i) {
    const auto opened =
        d->open_album(i % 50 == 0 ? some_album("album-" + std::to_string(i)) : a, {});
    CAF_REQUIRE(opened);
  }
  const auto after = open_files();
  CAF_CHECK_EQUAL(after, before);
  // All at once, too.
  std::vector<std::unique_ptr<album_store>> stores;
  for (int i = 0; i < 1000; i += 50) {
    auto opened = d->open_album(some_album("album-" + std::to_string(i)), {});
    CAF_REQUIRE(opened);
    stores.push_back(std::move(*opened));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
