#define CAF_SUITE cluster.album_directory
#include "libstip/cluster/album_directory.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>

using namespace stip;

namespace {

album_request named(const std::string& name) {
  album_request request;
  request.name = name;
  return request;
}

std::vector<std::string> shown(const album_directory& directory) {
  std::vector<std::string> names;
  for (const auto& a : directory.list()) names.push_back(a.shown);
  return names;
}

void require_equal(const album_directory& a, const album_directory& b) {
  CAF_REQUIRE(a.states() == b.states());
  CAF_REQUIRE(a.list() == b.list());
  CAF_REQUIRE(a.conflicts() == b.conflicts());
  CAF_REQUIRE(a.digest() == b.digest());
}

std::string id_of(const album& a) {
  return to_string(a.uid).substr(0, 8);
}

}  // namespace

CAF_TEST(an album is found by name and uid until it is deleted) {
  album_directory directory;
  const auto made = directory.create(named("alps"), {100, 0, 1});
  CAF_REQUIRE(made);
  CAF_CHECK(made->created == (version{100, 0, 1}));
  const auto found = directory.find("alps");
  CAF_REQUIRE(found);
  CAF_CHECK(*found == *made);
  CAF_CHECK(directory.find("alps~" + id_of(*made)).has_value());
  CAF_CHECK(!directory.find("alp"));
  CAF_CHECK(!directory.find("alps~"));
  CAF_CHECK(!directory.find("alps~" + id_of(*made).substr(0, 7)));
  const auto gone = directory.erase("alps", {101, 0, 1});
  CAF_REQUIRE(gone);
  CAF_CHECK(gone->deleted);
  const auto missing = directory.find("alps");
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == ec::not_found);
  const auto by_uid = directory.find(made->uid);
  CAF_REQUIRE(by_uid);
  CAF_CHECK(by_uid->deleted);
  CAF_CHECK(directory.list().empty());
}

CAF_TEST(a name in use is refused and free again after deletion) {
  album_directory directory;
  CAF_REQUIRE(directory.create(named("a"), {1, 0, 1}));
  const auto twice = directory.create(named("a"), {2, 0, 1});
  CAF_REQUIRE(!twice);
  CAF_CHECK(twice.error().code == ec::already_exists);
  CAF_REQUIRE(directory.erase("a", {3, 0, 1}));
  const auto again = directory.create(named("a"), {4, 0, 1});
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(directory.states().size(), 2u);
  CAF_CHECK(!directory.create(named("-a"), {5, 0, 1}));
}

CAF_TEST(closing and opening give the new state and repeat without one) {
  album_directory directory;
  CAF_REQUIRE(directory.create(named("a"), {1, 0, 1}));
  const auto closed = directory.close("a", {2, 0, 1});
  CAF_REQUIRE(closed);
  CAF_CHECK(closed->closed);
  CAF_CHECK(closed->changed == (version{2, 0, 1}));
  const auto again = directory.close("a", {3, 0, 1});
  CAF_REQUIRE(again);
  CAF_CHECK(*again == *closed);
  const auto open = directory.open("a", {4, 0, 1});
  CAF_REQUIRE(open);
  CAF_CHECK(!open->closed);
  CAF_CHECK(!directory.close("b", {5, 0, 1}));
}

CAF_TEST(a change wins though the clock that made it is behind) {
  album_directory directory, other;
  const auto made = directory.create(named("a"), {100, 0, 9});
  CAF_REQUIRE(made);
  CAF_CHECK(other.merge(*made));
  const auto closed = directory.close("a", {50, 0, 1});
  CAF_REQUIRE(closed);
  CAF_CHECK(other.merge(*closed));
  require_equal(directory, other);
}

CAF_TEST(a deleted album stays deleted whatever arrives later) {
  album_directory directory;
  const auto made = directory.create(named("a"), {1, 0, 1});
  CAF_REQUIRE(made);
  CAF_REQUIRE(directory.erase("a", {2, 0, 1}));
  auto late = *made;
  late.closed = true;
  late.changed = {1000, 0, 2};
  CAF_CHECK(!directory.merge(late));
  CAF_CHECK(!directory.merge(*made));
  CAF_CHECK(directory.list().empty());
}

CAF_TEST(two albums of one name are kept and the later is shown with its id) {
  album_directory left, right;
  const auto first = left.create(named("alps"), {1, 0, 1});
  const auto second = right.create(named("alps"), {2, 0, 2});
  CAF_REQUIRE(first && second);
  CAF_CHECK(left.merge(*second));
  CAF_CHECK(right.merge(*first));
  require_equal(left, right);
  const auto later = "alps~" + id_of(*second);
  CAF_CHECK(shown(left) == (std::vector<std::string>{"alps", later}));
  const auto conflicts = right.conflicts();
  CAF_REQUIRE_EQUAL(conflicts.size(), 1u);
  CAF_CHECK(conflicts.front().album == *second);
  CAF_CHECK_EQUAL(conflicts.front().shown, later);
  const auto plain = right.find("alps"), by_id = left.find(later);
  CAF_REQUIRE(plain && by_id);
  CAF_CHECK(*plain == *first);
  CAF_CHECK(*by_id == *second);
  CAF_REQUIRE(left.erase("alps", {3, 0, 1}));
  CAF_CHECK(shown(left) == std::vector<std::string>{"alps"});
  CAF_CHECK(left.conflicts().empty());
  CAF_CHECK(left.find(later).has_value());
}

CAF_TEST(ids that begin alike are shown with more digits) {
  album_directory directory;
  for (uint64_t i = 0; i < 3; ++i) {
    album a;
    a.name = "a";
    a.uid = {0x1234567800000000 + i, 0};
    a.created = a.changed = {int64_t(i), 0, 1};
    CAF_CHECK(directory.merge(a));
  }
  CAF_CHECK(shown(directory) ==
            (std::vector<std::string>{"a", "a~1234567800000001", "a~1234567800000002"}));
  for (const auto& name : shown(directory)) CAF_CHECK(directory.find(name).has_value());
  CAF_CHECK(!directory.find("a~12345678"));
}

CAF_TEST(a state that is no album changes nothing) {
  album_directory directory;
  album a;
  a.uid = {1, 1};
  a.name = "no/album";
  CAF_CHECK(!directory.merge(a));
  CAF_CHECK(directory.states().empty());
}

CAF_TEST(any order and repetition of merges gives equal directories) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAF_MESSAGE("seed " << seed);
    std::mt19937_64 random{seed};
    const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    // Nodes change albums while states travel late, twice or not at all between them.
    std::vector<album_directory> nodes(4);
    std::vector<album> sent;
    int64_t time = 0;
    for (int step = 0; step < 200; ++step) {
      auto& node = nodes[below(nodes.size())];
      const version now{time += int64_t(below(2)), uint32_t(step), below(4)};
      const auto names = shown(node);
      const auto name = names.empty() ? "none" : names[below(names.size())];
      result<album> changed = fail(ec::none, "", "");
      switch (below(8)) {
        case 0:
          changed = node.create(named(std::string(1, char('a' + below(3)))), now);
          break;
        case 1:
          changed = node.close(name, now);
          break;
        case 2:
          changed = node.open(name, now);
          break;
        case 3:
          if (below(3) == 0) changed = node.erase(name, now);
          break;
        default:
          if (!sent.empty()) node.merge(sent[below(sent.size())]);
      }
      if (changed) sent.push_back(*changed);
      // A state of equal version but other content must not divide the nodes for ever.
      if (!sent.empty() && below(20) == 0) {
        auto forged = sent[below(sent.size())];
        forged.replication = uint32_t(1 + below(3));
        sent.push_back(forged);
      }
    }
    for (auto& node : nodes) {
      auto all = sent;
      std::shuffle(all.begin(), all.end(), random);
      for (const auto& state : all) node.merge(state);
      for (const auto& state : all) CAF_REQUIRE(!node.merge(state));
    }
    for (const auto& node : nodes) require_equal(node, nodes.front());
    album_directory restored;
    for (const auto& state : nodes.front().states()) CAF_REQUIRE(restored.merge(state));
    require_equal(restored, nodes.front());
    for (const auto& a : restored.list()) {
      const auto found = restored.find(a.shown);
      CAF_REQUIRE(found);
      CAF_REQUIRE(*found == a.album);
    }
  }
}

CAF_TEST(directories that differ in one state have other digests) {
  album_directory a, b;
  const auto made = a.create(named("a"), {1, 0, 1});
  CAF_REQUIRE(made);
  CAF_CHECK(a.digest() != b.digest());
  b.merge(*made);
  CAF_CHECK(a.digest() == b.digest());
  CAF_REQUIRE(a.close("a", {2, 0, 1}));
  CAF_CHECK(a.digest() != b.digest());
}
