#define CAF_SUITE store.replica_facts

#include "libstip/store/replica_facts.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "libstip/core/defaults.hpp"
#include "libstip/store/chip_writer.hpp"
#include "libstip/store/segment.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// A slice for each geocode, and all of them of interest.
std::optional<uint32_t> slice_of_geocode(std::string_view geocode) {
  return static_cast<uint32_t>(hash64(geocode) % ring_slices);
}

/// A fact as a text that orders and compares; tokens are a node's own.
std::string text_of(replica_fact fact) {
  if (fact.chip) fact.chip->token = 0;
  return encode(std::vector{fact});
}

using fact_set = std::set<std::string>;

/// One of a history's facts, with the blocks if it is a chip.
struct sample_fact {
  std::optional<sample_chip> chip;
  put_tombstone tombstone;

  sample_commit commit() const {
    if (chip) return {{*chip}, {}};
    return {{}, {tombstone}};
  }
  replica_fact fact() const {
    return chip ? replica_fact::of(chip->chip) : replica_fact::of(tombstone);
  }
};

struct fixture : store_fixture {
  int stores = 0;

  std::unique_ptr<album_store> open_another() {
    auto opened = album_store::open(directory / ("album" + std::to_string(stores++)),
                                    geocode_algorithm::geohash, options, files);
    if (!opened) CAF_FAIL(to_string(opened.error()));
    return std::move(*opened);
  }

  void take(album_store& s, const sample_commit& commit) {
    const auto stored = store(s, commit);
    if (!stored) CAF_FAIL(to_string(stored.error()));
  }

  /// Images in several versions, parts of images, the same chip again, deletions.
  std::vector<sample_fact> history(size_t count) {
    std::vector<sample_fact> facts;
    std::vector<sample_chip> chips;
    for (size_t i = 0; i < count; ++i) {
      const auto key = sample_key(random() % 12);
      const auto when = sample_version(static_cast<int64_t>(random() % 40));
      const auto kind = random() % 10;
      if (kind == 0) {
        facts.push_back({{}, {key, when}});
      } else if (kind < 3 && !chips.empty()) {
        auto again = chips[random() % chips.size()];
        again.chip.written = when;
        again.chip.token = random();
        facts.push_back({std::move(again), {}});
      } else {
        const auto subdatasets = static_cast<uint16_t>(1 + random() % 3);
        const auto scene = random() % 3;
        for (uint16_t index = 0; index < subdatasets; ++index) {
          if (random() % 8 == 0) continue;
          chips.push_back(random_chip(random, key, index, subdatasets, scene, when));
          facts.push_back({chips.back(), {}});
        }
      }
    }
    return facts;
  }

  void take_all(album_store& s, std::vector<sample_fact> facts) {
    std::shuffle(facts.begin(), facts.end(), random);
    for (size_t i = 0; i < facts.size();) {
      sample_commit commit;
      for (auto n = 1 + random() % 24; n > 0 && i < facts.size(); --n, ++i) {
        if (facts[i].chip)
          commit.chips.push_back(*facts[i].chip);
        else
          commit.tombstones.push_back(facts[i].tombstone);
      }
      take(s, commit);
    }
  }

  std::vector<replica_fact> all_facts(const album_store& s, size_t limit = 1000,
                                      const slice_of& slices = slice_of_geocode) {
    std::vector<replica_fact> all;
    std::string from;
    do {
      auto page = s.facts(slices, from, limit);
      if (!page) CAF_FAIL(to_string(page.error()));
      std::move(page->facts.begin(), page->facts.end(), std::back_inserter(all));
      from = page->next;
    } while (!from.empty());
    return all;
  }

  fact_set fact_texts(const album_store& s) {
    fact_set texts;
    for (const auto& fact : all_facts(s)) texts.insert(text_of(fact));
    return texts;
  }

  std::vector<uint64_t> digests_of(const album_store& s) {
    auto sums = s.digests(slice_of_geocode);
    if (!sums) CAF_FAIL(to_string(sums.error()));
    return *sums;
  }

  std::vector<bool> lacking(const album_store& s, const std::vector<replica_fact>& facts) {
    auto lacks = s.lacks(facts);
    if (!lacks) CAF_FAIL(to_string(lacks.error()));
    return *lacks;
  }

  /// The blocks of a fact as `s` holds them.
  sample_chip read_chip(const album_store& s, const chip_description& chip) {
    const auto record = s.chip(chip);
    if (!record) CAF_FAIL(to_string(record.error()));
    sample_chip sample{record->chip, {}};
    for (const auto& block : record->blocks) {
      auto& bytes = sample.records.emplace_back();
      if (const auto read = s.read({&block, 1}, bytes); !read) CAF_FAIL(to_string(read.error()));
    }
    return sample;
  }

  /// Everything of `from` that `to` lacks; how many facts went.
  size_t push(const album_store& from, album_store& to) {
    const auto facts = all_facts(from, 7);
    const auto lacks = lacking(to, facts);
    sample_commit pushed;
    for (size_t i = 0; i < facts.size(); ++i) {
      if (!lacks[i]) continue;
      if (facts[i].chip)
        pushed.chips.push_back(read_chip(from, *facts[i].chip));
      else
        pushed.tombstones.push_back({facts[i].key, facts[i].hidden});
    }
    if (!pushed.chips.empty() || !pushed.tombstones.empty()) take(to, pushed);
    return pushed.chips.size() + pushed.tombstones.size();
  }

  std::string segment_path(uint32_t id) { return directory / ("album0/" + segment_name(id)); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(replica_facts_tests, fixture)

CAF_TEST(the same facts in any order and under any numbers of names give the same digests) {
  for (int round = 0; round < 6; ++round) {
    const auto facts = history(30);
    const auto a = open_another(), b = open_another();
    // Other numbers of the same names.
    sample_commit names;
    for (size_t key = 12; key-- > 0;)
      names.chips.push_back(random_chip(random, sample_key(key), 1, 2, 7, sample_version(1)));
    take(*b, names);
    const auto filler = all_facts(*b);
    CAF_REQUIRE_EQUAL(filler.size(), 12u);
    CAF_REQUIRE(b->forget(filler));
    CAF_REQUIRE(all_facts(*b).empty());
    take_all(*a, facts);
    take_all(*b, facts);
    CAF_REQUIRE(fact_texts(*a) == fact_texts(*b));
    CAF_REQUIRE(digests_of(*a) == digests_of(*b));
    // And they are what the definition says.
    std::vector<uint64_t> sums(ring_slices, 0);
    for (const auto& fact : all_facts(*a)) {
      auto plain = fact;
      if (plain.chip) plain.chip->token = 0;
      sums[*slice_of_geocode(fact.key.geocode)] += digest_of(plain);
    }
    CAF_REQUIRE(sums == digests_of(*a));
    store_twin all;
    for (const auto& fact : facts) all.apply(fact.commit());
    const auto images = all.images().size();
    CAF_REQUIRE_EQUAL(a->statistics().images, images);
  }
}

CAF_TEST(digests differ in just the slices where facts do) {
  for (int round = 0; round < 6; ++round) {
    const auto common = history(20);
    const auto a = open_another(), b = open_another();
    take_all(*a, common);
    take_all(*b, common);
    take_all(*a, history(1 + random() % 4));
    take_all(*b, history(random() % 3));
    std::set<uint32_t> expected;
    const auto left = all_facts(*a), right = all_facts(*b);
    const auto left_texts = fact_texts(*a), right_texts = fact_texts(*b);
    for (const auto& fact : left)
      if (!right_texts.contains(text_of(fact)))
        expected.insert(*slice_of_geocode(fact.key.geocode));
    for (const auto& fact : right)
      if (!left_texts.contains(text_of(fact))) expected.insert(*slice_of_geocode(fact.key.geocode));
    std::set<uint32_t> found;
    const auto of_a = digests_of(*a), of_b = digests_of(*b);
    for (uint32_t slice = 0; slice < ring_slices; ++slice)
      if (of_a[slice] != of_b[slice]) found.insert(slice);
    CAF_REQUIRE(found == expected);
  }
}

CAF_TEST(pushing what the other lacks both ways makes two stores equal) {
  size_t pushed = 0, images = 0;
  for (int round = 0; round < 8; ++round) {
    const auto a = open_another(), b = open_another();
    const auto common = history(random() % 12), of_a = history(12), of_b = history(12);
    for (auto* s : {a.get(), b.get()}) take_all(*s, common);
    take_all(*a, of_a);
    take_all(*b, of_b);
    pushed += push(*a, *b);
    pushed += push(*b, *a);
    CAF_REQUIRE(fact_texts(*a) == fact_texts(*b));
    CAF_REQUIRE(digests_of(*a) == digests_of(*b));
    const auto again = push(*a, *b) + push(*b, *a);
    CAF_REQUIRE_EQUAL(again, 0u);
    // Both hold what one would that took in everything.
    const auto whole = open_another();
    for (const auto* facts : {&common, &of_a, &of_b}) take_all(*whole, *facts);
    CAF_REQUIRE(fact_texts(*whole) == fact_texts(*a));
    const auto index = a->scan_index(), other = b->scan_index();
    CAF_REQUIRE(index && other);
    CAF_REQUIRE_EQUAL(index->size(), other->size());
    images += index->size();
    for (const auto& entry : *index) {
      const auto left = a->chips(entry.key), right = b->chips(entry.key);
      CAF_REQUIRE(left && right);
      for (size_t i = 0; i < left->size(); ++i)
        CAF_REQUIRE(read_chip(*a, (*left)[i].chip).records ==
                    read_chip(*b, (*right)[i].chip).records);
    }
  }
  CAF_MESSAGE("seed " << seed << ": " << pushed << " facts pushed, " << images << " images");
  CAF_CHECK(pushed > 80);
  CAF_CHECK(images > 30);
}

CAF_TEST(a store lacks just those facts that would change it) {
  size_t lacked = 0, had = 0;
  for (int round = 0; round < 4; ++round) {
    auto facts = history(40);
    const auto s = open_another();
    std::shuffle(facts.begin(), facts.end(), random);
    const auto known = facts.size() / 2;
    take_all(*s, {facts.begin(), facts.begin() + static_cast<std::ptrdiff_t>(known)});
    for (const auto& fact : facts) {
      const auto before = fact_texts(*s);
      const bool lacks = lacking(*s, {fact.fact()}).front();
      take(*s, fact.commit());
      const bool changed = fact_texts(*s) != before;
      CAF_REQUIRE_EQUAL(lacks, changed);
      ++(lacks ? lacked : had);
    }
  }
  CAF_MESSAGE("seed " << seed << ": " << lacked << " lacked, " << had << " not");
  CAF_CHECK(lacked > 50);
  CAF_CHECK(had > 50);
}

CAF_TEST(many facts asked for at once are answered as one by one) {
  const auto s = open_another();
  take_all(*s, history(40));
  std::vector<replica_fact> asked;
  for (const auto& fact : history(60)) asked.push_back(fact.fact());
  for (const auto& fact : all_facts(*s)) asked.push_back(fact);
  std::shuffle(asked.begin(), asked.end(), random);
  const auto together = lacking(*s, asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    const bool alone = lacking(*s, {asked[i]}).front(), in_company = together[i];
    CAF_REQUIRE_EQUAL(alone, in_company);
  }
  const std::vector wrong{replica_fact::of(put_tombstone{{"P", "no geohash", "raw", "t", 0}, {}})};
  CAF_CHECK(code_of(s->lacks(wrong)) == ec::invalid_argument);
  CAF_CHECK(code_of(s->forget(wrong)) == ec::invalid_argument);
}

CAF_TEST(pages of any length give every fact once and whole images) {
  const auto s = open_another();
  take_all(*s, history(80));
  const auto whole = fact_texts(*s);
  CAF_REQUIRE(whole.size() > 30);
  for (const size_t limit : {0, 1, 2, 5, 1000}) {
    const auto facts = all_facts(*s, limit);
    CAF_CHECK_EQUAL(facts.size(), whole.size());
    fact_set texts;
    std::set<std::string> images;
    std::string image;
    for (const auto& fact : facts) {
      texts.insert(text_of(fact));
      if (const auto key = to_string(fact.key); key != image) {
        CAF_CHECK(images.insert(key).second);
        image = key;
      }
    }
    CAF_CHECK(texts == whole);
  }
  CAF_CHECK(code_of(s->facts(slice_of_geocode, std::string(300, 'x'), 1)) == ec::invalid_argument);
}

CAF_TEST(only the slices that the asker cares for are looked at) {
  const auto s = open_another();
  take_all(*s, history(80));
  std::map<std::string, size_t> expected;
  for (const auto& fact : all_facts(*s)) ++expected[fact.key.geocode];
  CAF_REQUIRE(expected.size() >= 4);
  for (const auto& [wanted, count] : expected) {
    std::vector<std::string> asked;
    const slice_of only = [&, wanted = wanted](std::string_view geocode) {
      asked.emplace_back(geocode);
      return geocode == wanted ? slice_of_geocode(geocode) : std::nullopt;
    };
    const auto facts = all_facts(*s, 1000, only);
    CAF_CHECK_EQUAL(facts.size(), count);
    for (const auto& fact : facts) CAF_CHECK_EQUAL(fact.key.geocode, wanted);
    // Two platforms, so each geocode has two runs at most.
    CAF_CHECK(asked.size() <= 2 * expected.size());
    const auto sums = s->digests(only);
    CAF_REQUIRE(sums);
    const auto all = digests_of(*s);
    for (uint32_t slice = 0; slice < ring_slices; ++slice)
      CAF_REQUIRE((*sums)[slice] == (slice == *slice_of_geocode(wanted) ? all[slice] : 0));
  }
  const slice_of beyond = [](std::string_view) { return std::optional{ring_slices}; };
  CAF_CHECK(code_of(s->digests(beyond)) == ec::internal);
}

CAF_TEST(what stands still is in just one page while other images come and go) {
  const auto s = open_another();
  std::map<std::string, std::string> still;
  sample_commit those;
  for (size_t key = 0; key < 60; key += 2) {
    those.chips.push_back(random_chip(random, sample_key(key), 0, 1, 0, sample_version(1)));
    const auto& chip = those.chips.back().chip;
    still[to_string(chip.key)] = text_of(replica_fact::of(chip));
  }
  take(*s, those);
  std::map<std::string, size_t> seen;
  std::string from;
  int64_t now = 2;
  do {
    const auto page = s->facts(slice_of_geocode, from, 3);
    CAF_REQUIRE(page);
    for (const auto& fact : page->facts) {
      const auto found = still.find(to_string(fact.key));
      if (found == still.end()) continue;
      CAF_CHECK(text_of(fact) == found->second);
      ++seen[found->first];
    }
    from = page->next;
    for (int i = 0; i < 3; ++i) {
      auto key = sample_key(random() % 60);
      key.tile = "moving";
      const auto when = sample_version(now++);
      if (random() % 3 == 0)
        take(*s, {{}, {{key, when}}});
      else
        take(*s, {{random_chip(random, key, 0, 1, 0, when)}, {}});
    }
  } while (!from.empty());
  CAF_CHECK_EQUAL(seen.size(), still.size());
  for (const auto& [key, times] : seen) CAF_CHECK_EQUAL(times, 1u);
}

CAF_TEST(forgetting takes just what was given and leaves nothing behind) {
  for (int round = 0; round < 8; ++round) {
    const auto s = open_another();
    take_all(*s, history(40));
    std::map<std::string, std::vector<replica_fact>> images;
    for (auto& fact : all_facts(*s)) images[to_string(fact.key)].push_back(std::move(fact));
    std::vector<replica_fact> given;
    std::set<std::string> going;
    fact_set expected;
    for (const auto& [key, facts] : images) {
      const bool goes = random() % 2 == 0;
      if (goes) going.insert(key);
      for (const auto& fact : facts)
        if (goes)
          given.push_back(fact);
        else
          expected.insert(text_of(fact));
    }
    // In any order, and one of them twice.
    if (!given.empty()) given.push_back(given.front());
    std::shuffle(given.begin(), given.end(), random);
    std::set<std::string> visible, erased;
    const auto entries = s->scan_index();
    CAF_REQUIRE(entries);
    for (const auto& entry : *entries)
      if (going.contains(to_string(entry.key))) visible.insert(to_string(entry.key));
    const auto done = s->forget(given);
    CAF_REQUIRE(done);
    for (const auto& change : done->changes) {
      CAF_CHECK(change.what == index_change::kind::erase);
      erased.insert(to_string(change.entry.key));
    }
    CAF_REQUIRE(erased == visible);
    CAF_REQUIRE(fact_texts(*s) == expected);
    CAF_CHECK_EQUAL(s->statistics().images, entries->size() - visible.size());
    // Again it is no error, and changes nothing.
    const auto again = s->forget(given);
    CAF_REQUIRE(again);
    CAF_CHECK(again->changes.empty());
    // No tombstone: what was forgotten may come again.
    for (const auto& fact : given) CAF_REQUIRE(lacking(*s, {fact}).front());
    std::vector<replica_fact> rest = all_facts(*s);
    CAF_REQUIRE(s->forget(rest));
    CAF_CHECK_EQUAL(s->statistics().chips, 0u);
    CAF_CHECK_EQUAL(s->statistics().live_bytes, 0u);
    CAF_CHECK_EQUAL(s->statistics().images, 0u);
  }
}

CAF_TEST(an image that changed since is not forgotten) {
  const auto s = open_another();
  const auto chip = [&](size_t key, uint16_t index, uint64_t scene, int64_t t) {
    return random_chip(random, sample_key(key), index, 2, scene, sample_version(t));
  };
  const std::vector<std::function<sample_commit(const sample_chip&)>> changes = {
      // A part of a newer image.
      [&](const sample_chip&) {
        return sample_commit{{chip(1, 0, 5, 9)}, {}};
      },
      // The same chip, stored again.
      [&](const sample_chip& old) {
        auto again = old;
        again.chip.written = sample_version(9);
        return sample_commit{{again}, {}};
      },
      // Other pixels.
      [&](const sample_chip&) {
        return sample_commit{{chip(1, 1, 0, 9)}, {}};
      },
      // A deletion of one of its two chips.
      [&](const sample_chip& old) {
        return sample_commit{{}, {{old.chip.key, sample_version(3)}}};
      },
  };
  for (const auto& change : changes) {
    const auto first = chip(1, 0, 0, 2), second = chip(1, 1, 0, 4), other = chip(2, 0, 0, 2);
    take(*s, {{first, second, other}, {}});
    const auto facts = all_facts(*s);
    CAF_REQUIRE_EQUAL(facts.size(), 3u);
    take(*s, change(second));
    auto expected = fact_texts(*s);
    expected.erase(text_of(replica_fact::of(other.chip)));
    CAF_REQUIRE(s->forget(facts));
    CAF_REQUIRE(fact_texts(*s) == expected);
    // Those that stand now go.
    CAF_REQUIRE(s->forget(all_facts(*s)));
    CAF_REQUIRE(all_facts(*s).empty());
  }
  // A part of what is there is not the image.
  const auto first = chip(1, 0, 0, 2), second = chip(1, 1, 0, 4);
  take(*s, {{first, second}, {}});
  CAF_REQUIRE(s->forget(std::vector{replica_fact::of(first.chip)}));
  CAF_CHECK_EQUAL(all_facts(*s).size(), 2u);
}

CAF_TEST(the bytes of what was forgotten are compacted) {
  const auto s = open_another();
  take_all(*s, history(60));
  CAF_REQUIRE(s->forget(all_facts(*s)));
  CAF_CHECK_EQUAL(s->statistics().live_bytes, 0u);
  const auto begun = s->begin_compaction(eager_compaction(), {});
  CAF_REQUIRE(begun);
  CAF_CHECK(*begun);
  for (auto turn = compaction_turn::step; turn != compaction_turn::done;) {
    uint64_t cost = 0;
    const auto next = turn == compaction_turn::publish ? s->publish_compaction() : s->compact(cost);
    CAF_REQUIRE(next);
    turn = *next;
  }
  CAF_CHECK(s->end_compaction().segments_removed > 0);
  CAF_CHECK_EQUAL(s->statistics().segment_bytes, 0u);
}

CAF_TEST(a chip that is lost is no fact and is lacked until it is mended) {
  auto s = open_another();
  const auto first = random_chip(random, sample_key(1), 0, 2, 0, sample_version(5));
  auto second = random_chip(random, sample_key(1), 1, 2, 0, sample_version(5));
  while (joined(second.records).empty())
    second = random_chip(random, sample_key(1), 1, 2, 0, sample_version(5));
  take(*s, {{first}, {}});
  s.reset();
  stores = 0;
  s = open_another();
  take(*s, {{second}, {}});
  const auto sound = digests_of(*s);
  const auto record = s->chip(second.chip);
  CAF_REQUIRE(record);
  uint32_t segment = 0;
  for (const auto& block : record->blocks)
    if (block.bytes > 0) segment = block.segment;
  s.reset();
  std::filesystem::remove(segment_path(segment));
  stores = 0;
  s = open_another();
  CAF_CHECK_EQUAL(s->statistics().lost_chips, 1u);
  CAF_CHECK(code_of(s->chip(second.chip)) == ec::not_found);
  const auto facts = all_facts(*s);
  CAF_REQUIRE_EQUAL(facts.size(), 1u);
  CAF_CHECK(*facts[0].chip == first.chip);
  CAF_CHECK(digests_of(*s) != sound);
  auto older = second.chip;
  older.written = sample_version(3);
  const auto lacks = lacking(
      *s, {replica_fact::of(first.chip), replica_fact::of(second.chip), replica_fact::of(older)});
  CAF_CHECK(lacks == (std::vector{false, true, true}));
  take(*s, {{second}, {}});
  CAF_CHECK(digests_of(*s) == sound);
  CAF_CHECK(!lacking(*s, {replica_fact::of(second.chip)}).front());
}

CAF_TEST(one message brings chips and tombstones and one that is refused hides nothing) {
  const auto s = open_another();
  chip_writer writer{*s, system_clock()};
  const auto old_image = random_chip(random, sample_key(1), 0, 1, 0, sample_version(3));
  const auto other_image = random_chip(random, sample_key(2), 0, 1, 0, sample_version(3));
  take(*s, {{old_image, other_image}, {}});
  const auto part_of = [&](const sample_chip& chip, uint64_t upload) {
    chip_part part;
    part.upload = {0, upload};
    for (uint32_t i = 0; i < chip.records.size(); ++i) {
      if (chip.records[i].empty()) continue;
      part.blocks.push_back(i);
      part.records.append(reinterpret_cast<const char*>(chip.records[i].data()),
                          chip.records[i].size());
    }
    part.description = encode(chip.chip);
    return part;
  };
  const auto fresh = random_chip(random, sample_key(1), 0, 1, 0, sample_version(4));
  chip_parts good, alone, bad;
  good.scenes.push_back({sample_scene(0).id, sample_scene(0).json});
  good.parts.push_back(part_of(fresh, 1));
  good.tombstones.push_back({sample_key(1), sample_version(4)});
  alone.tombstones.push_back({sample_key(7), sample_version(4)});
  bad.parts.push_back(part_of(fresh, 2));
  bad.parts.back().records += "noise";
  bad.tombstones.push_back({sample_key(2), sample_version(9)});
  const std::vector<const chip_parts*> messages{&good, &bad, &alone};
  auto written = writer.write(messages);
  CAF_REQUIRE_EQUAL(written.outcomes.size(), 3u);
  CAF_REQUIRE(written.outcomes[0]);
  CAF_CHECK(written.outcomes[0]->chips == std::vector{put_outcome::stored});
  CAF_CHECK(!written.outcomes[1]);
  CAF_REQUIRE(written.outcomes[2]);
  CAF_CHECK(written.outcomes[2]->chips.empty());
  fact_set expected;
  for (const auto& chip : {fresh, other_image})
    expected.insert(text_of(replica_fact::of(chip.chip)));
  for (const auto* message : {&good, &alone})
    expected.insert(text_of(replica_fact::of(message->tombstones[0])));
  CAF_CHECK(fact_texts(*s) == expected);
  // A tombstone that the store refuses is that message's fault alone.
  chip_parts wrong, right;
  wrong.tombstones.push_back({{"P", "no geohash", "raw", "t", 0}, {}});
  right.tombstones.push_back({sample_key(2), sample_version(9)});
  written = writer.write(std::vector<const chip_parts*>{&wrong, &right});
  CAF_CHECK(code_of(written.outcomes[0]) == ec::invalid_argument);
  CAF_CHECK(written.outcomes[1].has_value());
  CAF_REQUIRE_EQUAL(written.changes.size(), 1u);
  CAF_CHECK(written.changes[0].what == index_change::kind::erase);
}

CAF_TEST(packed facts come back and damaged ones never do harm) {
  const auto samples = history(60);
  std::vector<replica_fact> facts;
  std::vector<put_tombstone> tombstones;
  for (const auto& sample : samples) {
    facts.push_back(sample.fact());
    if (!sample.chip) tombstones.push_back(sample.tombstone);
  }
  CAF_REQUIRE(!tombstones.empty());
  CAF_REQUIRE(tombstones.size() < facts.size());
  const auto bytes = encode(facts);
  const auto back = decode_facts(bytes);
  CAF_REQUIRE(back);
  CAF_CHECK(*back == facts);
  const auto some = decode_tombstones(encode(tombstones));
  CAF_REQUIRE(some);
  CAF_CHECK(*some == tombstones);
  const auto none = decode_tombstones(encode(std::vector<put_tombstone>{}));
  CAF_REQUIRE(none);
  CAF_CHECK(none->empty());
  CAF_CHECK(code_of(decode_tombstones(bytes)) == ec::malformed);
  CAF_CHECK(code_of(decode_facts("")) == ec::malformed);
  for (size_t size = 0; size < bytes.size(); ++size)
    CAF_REQUIRE(!decode_facts(std::string_view{bytes}.substr(0, size)));
  CAF_CHECK(!decode_facts(bytes + '\0'));
  // A count that no bytes follow takes no memory.
  CAF_CHECK(!decode_facts(std::string_view{"\x01\xff\xff\x03", 4}));
  size_t survivors = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    for (auto n = 1 + random() % 4; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (const auto read = decode_facts(damaged)) {
      ++survivors;
      CAF_REQUIRE(encode(*read) == damaged);
    }
    std::string noise(random() % 80, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    if (!noise.empty()) noise[0] = 1;
    (void)decode_facts(noise);
    (void)decode_tombstones(noise);
  }
  CAF_MESSAGE("seed " << seed << ": " << survivors << " of 20000 can be read");
}

CAF_TEST(a digest tells any two facts apart and does not see tokens) {
  std::map<uint64_t, std::string> seen;
  for (const auto& sample : history(200)) {
    auto fact = sample.fact();
    const auto digest = digest_of(fact);
    const auto [at, is_new] = seen.emplace(digest, text_of(fact));
    CAF_CHECK(is_new || at->second == text_of(fact));
    if (!fact.chip) continue;
    fact.chip->token = random();
    CAF_CHECK_EQUAL(digest, digest_of(fact));
    fact.chip->written.logical += 1;
    CAF_CHECK_NOT_EQUAL(digest, digest_of(fact));
  }
}

CAF_TEST(marks are the versions of an image and of what hides it) {
  const auto s = open_another();
  const auto one = sample_key(1), two = sample_key(2), three = sample_key(3);
  sample_commit commit;
  commit.chips.push_back(random_chip(random, one, 0, 1, 1, sample_version(5)));
  // Half an image is none.
  commit.chips.push_back(random_chip(random, two, 0, 2, 1, sample_version(5)));
  take(*s, commit);
  sample_commit deletion;
  deletion.tombstones.push_back({two, sample_version(9)});
  take(*s, deletion);
  const std::vector<put_tombstone> asked{{one, {}}, {two, {}}, {three, {}}};
  const auto marks = s->marks(asked);
  CAF_REQUIRE(marks.has_value());
  CAF_REQUIRE_EQUAL(marks->size(), 3u);
  CAF_CHECK((*marks)[0].written == sample_version(5));
  CAF_CHECK(!(*marks)[0].hidden);
  CAF_CHECK(!(*marks)[1].written);
  CAF_CHECK((*marks)[1].hidden == sample_version(9));
  CAF_CHECK(!(*marks)[2].written && !(*marks)[2].hidden);
}

CAF_TEST(tombstones are listed page by page and once each) {
  const auto s = open_another();
  std::set<std::string> wanted;
  sample_commit commit;
  for (size_t i = 0; i < 3000; ++i) {
    put_tombstone t{sample_key(i), sample_version(int64_t(i % 7) + 1)};
    t.key.tile = "t" + std::to_string(i);
    if (t.when == sample_version(3)) wanted.insert(to_string(t.key));
    commit.tombstones.push_back(t);
  }
  commit.chips.push_back(random_chip(random, sample_key(1), 0, 1, 1, sample_version(9)));
  take(*s, commit);
  for (const size_t limit : {1u, 7u, 1000u, 5000u}) {
    std::set<std::string> listed;
    std::string from;
    do {
      const auto page = s->tombstones(
          from, limit, [](const put_tombstone& t) { return t.when == sample_version(3); });
      CAF_REQUIRE(page.has_value());
      CAF_CHECK(page->tombstones.size() <= limit);
      for (const auto& t : page->tombstones) CAF_CHECK(listed.insert(to_string(t.key)).second);
      from = page->next;
    } while (!from.empty());
    CAF_CHECK(listed == wanted);
  }
  CAF_CHECK_EQUAL(int(code_of(s->tombstones(std::string(100, 'x'), 1, [](auto&) { return true; }))),
                  int(ec::invalid_argument));
}

CAF_TEST_FIXTURE_SCOPE_END()
