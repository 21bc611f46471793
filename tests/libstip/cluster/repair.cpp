#define CAF_SUITE cluster.repair
#include "libstip/cluster/repair.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <fstream>
#include <map>
#include <set>

#include "libstip/cluster/push_claims.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/store/chip_writer.hpp"
#include "libstip/store/segment.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// Between two rounds; every claim is over after it.
constexpr int64_t long_after = 600'000;

/// Nodes with real stores and without a network between them.
struct fixture : store_fixture {
  struct node {
    uint64_t id = 0;
    std::unique_ptr<album_store> store;
    std::unique_ptr<chip_writer> writer;
    bool up = true;
    /// Its answers are lost from now on; what it was sent is not.
    bool deaf = false;
    std::shared_ptr<push_claims> claims = std::make_shared<push_claims>();
  };

  std::vector<node> nodes;
  stip::ring ring;
  album of;
  uint64_t next_upload = 1;
  int64_t now_ms = 0;

  void make_nodes(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto opened = album_store::open(directory / ("node" + std::to_string(i)),
                                      geocode_algorithm::geohash, options, files);
      if (!opened) CAF_FAIL(to_string(opened.error()));
      nodes.push_back({100 + i, std::move(*opened), nullptr});
      nodes.back().writer = std::make_unique<chip_writer>(*nodes.back().store, system_clock());
    }
  }

  /// The ring of the first `count` nodes.
  void use_ring(size_t count) {
    std::vector<ring_node> members;
    for (size_t i = 0; i < count; ++i)
      members.push_back({nodes[i].id, "", derive_tokens(nodes[i].id, 16)});
    auto made = ring::make(std::move(members), count);
    if (!made) CAF_FAIL(to_string(made.error()));
    ring = std::move(*made);
  }

  node& find(uint64_t id) {
    return *std::find_if(nodes.begin(), nodes.end(), [&](const node& n) { return n.id == id; });
  }

  static error gone() { return {ec::unavailable, "ask", "it is away", {}}; }

  repair_services services_of(const node& asker) {
    repair_services s;
    s.reachable = [this](uint64_t id) { return find(id).up; };
    s.differing = [this, &asker](
                      uint64_t id,
                      const std::vector<uint64_t>& theirs) -> result<std::vector<uint32_t>> {
      const auto& n = find(id);
      if (!n.up || n.deaf) return fail(gone());
      STIP_ASSIGN(const auto ours, n.store->digests(common_slices(ring, of, asker.id, id)));
      std::vector<uint32_t> slices;
      for (uint32_t i = 0; i < ring_slices; ++i)
        if (ours[i] != theirs[i]) slices.push_back(i);
      return slices;
    };
    s.lacks = [this](uint64_t id,
                     const std::vector<replica_fact>& facts) -> result<std::vector<bool>> {
      const auto& n = find(id);
      if (!n.up || n.deaf) return fail(gone());
      return n.store->lacks(facts);
    };
    s.wants = [this, &asker, lacks = s.lacks](
                  uint64_t id,
                  const std::vector<replica_fact>& facts) -> result<std::vector<bool>> {
      STIP_ASSIGN(auto wanted, lacks(id, facts));
      for (size_t i = 0; i < facts.size(); ++i)
        wanted[i] = wanted[i] && find(id).claims->claim(asker.id, digest_of(facts[i]), now_ms);
      return wanted;
    };
    s.ship = [this](uint64_t id, chip_parts parts, uint64_t) -> result<void> {
      auto& n = find(id);
      if (!n.up) return fail(gone());
      const chip_parts* message = &parts;
      const auto written = n.writer->write(std::span(&message, 1));
      if (n.deaf) return fail(gone());
      if (!written.outcomes.front()) return fail(written.outcomes.front().error());
      return {};
    };
    s.settle = [] { return result<void>{}; };
    s.forget = [this, &asker](const std::vector<replica_fact>& facts) -> result<uint64_t> {
      STIP_ASSIGN(const auto done, find(asker.id).store->forget(facts));
      return done.changes.size();
    };
    s.unique = [this] { return next_upload++; };
    s.stopped = [] { return false; };
    return s;
  }

  repair_outcome repair_node(node& n) {
    repair_progress told;
    auto services = services_of(n);
    services.tell = [&](const repair_progress& more) {
      told.found += more.found;
      told.pushed += more.pushed;
      told.bytes += more.bytes;
    };
    auto outcome = repair(*n.store, of, ring, n.id, services);
    if (!outcome) CAF_FAIL(to_string(outcome.error()));
    // What is told on the way is what is there in the end.
    CAF_CHECK_EQUAL(told.pushed, outcome->facts);
    CAF_CHECK_EQUAL(told.bytes, outcome->bytes);
    CAF_CHECK(told.found >= told.pushed);
    CAF_CHECK(outcome->strays >= outcome->kept);
    return *outcome;
  }

  /// Every node that is up, once.
  repair_outcome repair_all() {
    repair_outcome sum;
    now_ms += long_after;
    for (auto& n : nodes)
      if (n.up) sum += repair_node(n);
    return sum;
  }

  std::vector<replica_fact> facts_of(const album_store& store) {
    std::vector<replica_fact> all;
    std::string from;
    do {
      auto page = store.facts([](std::string_view) { return 0u; }, from, 100);
      if (!page) CAF_FAIL(to_string(page.error()));
      all.insert(all.end(), page->facts.begin(), page->facts.end());
      from = page->next;
    } while (!from.empty());
    return all;
  }

  static std::set<std::string> texts(std::vector<replica_fact> facts) {
    std::set<std::string> out;
    for (auto& f : facts) {
      if (f.chip) f.chip->token = 0;
      out.insert(encode(std::vector{f}));
    }
    return out;
  }

  /// What a store holds that had taken in everything that any of the nodes was given.
  album_store& everything() {
    if (!all_) {
      auto opened =
          album_store::open(directory / "all", geocode_algorithm::geohash, options, files);
      if (!opened) CAF_FAIL(to_string(opened.error()));
      all_ = std::move(*opened);
    }
    return *all_;
  }

  void give(node& n, const sample_commit& commit) {
    for (auto* s : {n.store.get(), &everything()})
      if (auto stored = store(*s, commit); !stored) CAF_FAIL(to_string(stored.error()));
  }

  /// Random images and deletions, each on a random set of the first `count` nodes.
  void scatter(size_t images, size_t count) {
    for (size_t i = 0; i < images; ++i) {
      const auto key = sample_key(random() % 30);
      const auto when = sample_version(static_cast<int64_t>(random() % 50));
      sample_commit commit;
      if (random() % 6 == 0) {
        commit.tombstones.push_back({key, when});
      } else {
        const auto subdatasets = static_cast<uint16_t>(1 + random() % 2);
        for (uint16_t index = 0; index < subdatasets; ++index)
          commit.chips.push_back(random_chip(random, key, index, subdatasets, random() % 3, when));
      }
      give(nodes[random() % count], commit);
      if (random() % 2 == 0) give(nodes[random() % count], commit);
    }
  }

  /// Every replica holds exactly what there is of its images, and nobody else anything.
  void check_placed() {
    std::map<uint64_t, std::set<std::string>> expected;
    for (auto& fact : facts_of(everything()))
      for (const auto id : replicas(ring, of, fact.key.geocode)) expected[id].merge(texts({fact}));
    for (const auto& n : nodes) {
      if (!n.up) continue;
      CAF_CHECK(texts(facts_of(*n.store)) == expected[n.id]);
    }
  }

 private:
  std::unique_ptr<album_store> all_;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(repair_tests, fixture)

CAF_TEST(whatever lies anywhere comes to its replicas and nowhere else) {
  for (const uint32_t copies : {1u, 2u, 3u}) {
    fixture f;
    f.of.replication = copies;
    f.make_nodes(4);
    f.use_ring(4);
    f.scatter(120, 4);
    CAF_CHECK(f.repair_all().facts > 0);
    f.repair_all();
    f.check_placed();
    // When all is equal nothing is pushed.
    const auto rest = f.repair_all();
    CAF_CHECK_EQUAL(rest.facts, 0u);
    CAF_CHECK_EQUAL(rest.kept, 0u);
    CAF_CHECK(rest.problems.empty());
  }
}

CAF_TEST(a node that joins gets its share and a node without tokens hands over everything) {
  of.replication = 2;
  make_nodes(4);
  use_ring(3);
  scatter(120, 3);
  repair_all();
  repair_all();
  check_placed();
  use_ring(4);
  CAF_CHECK(repair_all().forgotten > 0);
  repair_all();
  check_placed();
  CAF_CHECK(!facts_of(*nodes[3].store).empty());
  use_ring(3);
  repair_all();
  repair_all();
  check_placed();
  CAF_CHECK(facts_of(*nodes[3].store).empty());
}

CAF_TEST(a draining node hands over until it finds nothing and compares with nobody) {
  of.replication = 2;
  make_nodes(3);
  use_ring(3);
  scatter(120, 3);
  repair_all();
  repair_all();
  const auto held = facts_of(*nodes[2].store).size();
  CAF_REQUIRE(held > 0);
  // It is in the ring as long as it has not left, with no place of its own.
  auto made = ring::make({{nodes[0].id, "", derive_tokens(nodes[0].id, 16)},
                          {nodes[1].id, "", derive_tokens(nodes[1].id, 16)},
                          {nodes[2].id, "", {}}},
                         9);
  CAF_REQUIRE(made.has_value());
  ring = std::move(*made);
  auto services = services_of(nodes[2]);
  services.differing = [](uint64_t, const std::vector<uint64_t>&) -> result<std::vector<uint32_t>> {
    return fail(ec::internal, "compare", "nothing to");
  };
  now_ms += long_after;
  const auto first = repair(*nodes[2].store, of, ring, nodes[2].id, services);
  CAF_REQUIRE(first.has_value());
  CAF_CHECK_EQUAL(first->strays, held);
  CAF_CHECK_EQUAL(first->kept, 0u);
  CAF_CHECK(first->problems.empty());
  const auto second = repair_node(nodes[2]);
  CAF_CHECK_EQUAL(second.strays, 0u);
  CAF_CHECK(facts_of(*nodes[2].store).empty());
  check_placed();
}

CAF_TEST(nothing is dropped before every replica has it) {
  of.replication = 2;
  make_nodes(4);
  use_ring(4);
  scatter(120, 4);
  // Whoever is away, or takes things in and cannot say so, keeps its images alive elsewhere.
  for (int round = 0; round < 12; ++round) {
    for (auto& n : nodes) {
      n.up = random() % 4 != 0;
      n.deaf = random() % 4 == 0;
    }
    repair_all();
    std::set<std::string> held;
    for (const auto& n : nodes) held.merge(texts(facts_of(*n.store)));
    // A fact may be gone where a newer one hides it, so what counts is what all together make.
    auto opened = album_store::open(directory / ("union" + std::to_string(round)),
                                    geocode_algorithm::geohash, options, files);
    CAF_REQUIRE(opened);
    const auto wanted = texts(facts_of(everything()));
    CAF_CHECK(std::includes(held.begin(), held.end(), wanted.begin(), wanted.end()));
  }
  for (auto& n : nodes) n.up = !(n.deaf = false);
  repair_all();
  repair_all();
  check_placed();
}

CAF_TEST(what one node is bringing is not brought by another nor dropped before it is there) {
  of.replication = 1;
  make_nodes(3);
  use_ring(1);
  sample_commit commit;
  for (size_t i = 0; i < 20; ++i)
    commit.chips.push_back(random_chip(random, sample_key(i), 0, 1, 1, sample_version(1)));
  give(nodes[1], commit);
  give(nodes[2], commit);
  // Node 2 has said that it brings them, and has not yet.
  const auto promised = services_of(nodes[2]).wants(nodes[0].id, facts_of(*nodes[2].store));
  CAF_REQUIRE(promised);
  const auto second = repair_node(nodes[1]);
  CAF_CHECK_EQUAL(second.facts, 0u);
  CAF_CHECK_EQUAL(second.forgotten, 0u);
  CAF_CHECK_EQUAL(second.kept, 20u);
  // It never does: another may.
  now_ms += long_after;
  CAF_CHECK_EQUAL(repair_node(nodes[1]).facts, 20u);
  CAF_CHECK_EQUAL(repair_node(nodes[2]).facts, 0u);
  check_placed();
}

CAF_TEST(a replica whose directory is gone is filled again by the others) {
  of.replication = 2;
  make_nodes(3);
  use_ring(3);
  scatter(100, 3);
  repair_all();
  repair_all();
  check_placed();
  nodes[1].writer.reset();
  nodes[1].store.reset();
  std::filesystem::remove_all(directory / "node1");
  auto fresh = album_store::open(directory / "node1", geocode_algorithm::geohash, options, files);
  CAF_REQUIRE(fresh);
  nodes[1].store = std::move(*fresh);
  nodes[1].writer = std::make_unique<chip_writer>(*nodes[1].store, system_clock());
  repair_all();
  check_placed();
}

CAF_TEST(what a scrub finds damaged is shown and is brought anew by a replica) {
  of.replication = 2;
  make_nodes(2);
  use_ring(2);
  sample_commit commit;
  for (size_t i = 0; i < 20; ++i)
    commit.chips.push_back(random_chip(random, sample_key(i), 0, 1, 1, sample_version(1)));
  give(nodes[0], commit);
  give(nodes[1], commit);
  auto& store = *nodes[0].store;
  const auto before = store.statistics();
  // One byte of one chip's first block.
  const auto key = commit.chips[7].chip.key;
  const auto held = store.chips(key);
  CAF_REQUIRE(held);
  const auto place = (*held)[0].blocks[0];
  CAF_REQUIRE(place.bytes > 0);
  std::fstream file{directory / "node0/" + segment_name(place.segment),
                    std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(place.offset + 20));
  file.put('!').put('?');
  file.close();
  std::vector<std::byte> bytes;
  CAF_CHECK(!store.read(place, bytes));
  const auto scrubbed = store.scrub({}, UINT64_MAX);
  CAF_REQUIRE(scrubbed);
  CAF_REQUIRE_EQUAL(scrubbed->damaged.size(), 1u);
  store.note_damage(scrubbed->damaged);
  CAF_CHECK_EQUAL(store.scan_index()->size(), 20u);
  // It does not spread, and is mended once.
  CAF_CHECK_EQUAL(repair_node(nodes[0]).facts, 0u);
  CAF_CHECK_EQUAL(repair_node(nodes[1]).facts, 1u);
  now_ms += long_after;
  CAF_CHECK_EQUAL(repair_node(nodes[1]).facts, 0u);
  const auto mended = store.chips(key);
  CAF_REQUIRE(mended);
  for (const auto& block : (*mended)[0].blocks) CAF_CHECK(store.read(block, bytes));
  CAF_CHECK_EQUAL(store.statistics().images, before.images);
  CAF_CHECK_EQUAL(store.statistics().chips, before.chips);
  CAF_CHECK_EQUAL(store.statistics().live_bytes, before.live_bytes);
  check_placed();
}

CAF_TEST_FIXTURE_SCOPE_END()
