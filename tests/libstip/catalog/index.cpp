#define CAF_SUITE catalog.index
#include "libstip/catalog/index.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <map>

#include "libstip/core/defaults.hpp"
#include "random_images.hpp"

using namespace stip;
using stip::test::random_images;

namespace {

constexpr geocode_algorithm algorithms[] = {geocode_algorithm::geohash,
                                            geocode_algorithm::quadtile};
constexpr size_t no_limit = SIZE_MAX;

/// The same answers from a map, by the definitions in filter.hpp.
struct brute_force {
  geocode_algorithm algorithm;
  std::map<std::string, index_entry> images = {};

  void apply(const index_change& change) {
    const auto key = to_string(change.entry.key);
    if (change.what == index_change::kind::erase)
      images.erase(key);
    else
      images[key] = change.entry;
  }

  std::vector<index_entry> find(const filter& f, sort_field order, size_t limit,
                                const std::optional<image_facts>& after) const {
    std::vector<index_entry> found;
    for (const auto& [key, entry] : images)
      if (matches(f, algorithm, entry.facts()) && (!after || before(order, *after, entry.facts())))
        found.push_back(entry);
    std::sort(found.begin(), found.end(),
              [&](const auto& a, const auto& b) { return before(order, a.facts(), b.facts()); });
    if (found.size() > limit) found.resize(limit);
    return found;
  }

  std::vector<extent_row> extents(const filter& f, const cell_predicate& cells) const {
    std::vector<extent_row> rows;
    for (const auto& [key, e] : images)
      if (matches(f, algorithm, e.facts()) && (!cells || cells(e.key.geocode)))
        rows.push_back({e.key.geocode.substr(0, (f.geocode ? f.geocode->size() : 0) + 1),
                        e.key.platform, e.key.source, uint32_t(e.key.geocode.size()), 1});
    return merge_rows(std::vector<std::vector<extent_row>>{rows});
  }

  std::vector<std::string> platforms() const {
    std::vector<std::string> names;
    for (const auto& [key, entry] : images) names.push_back(entry.key.platform);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
};

std::vector<index_change> random_changes(random_images& any, const brute_force& twin, size_t n) {
  std::vector<index_change> changes;
  for (size_t i = 0; i < n; ++i) {
    index_change change{index_change::kind::put, any.entry()};
    // Often an image that is there, to replace or to erase it.
    if (!twin.images.empty() && any.once_in(3)) {
      auto at = twin.images.lower_bound(to_string(change.entry.key));
      if (at == twin.images.end()) at = twin.images.begin();
      change.entry.key = at->second.key;
    }
    if (any.once_in(4)) change.what = index_change::kind::erase;
    changes.push_back(change);
  }
  return changes;
}

/// What a listing shows of the entries.
std::vector<image_row> rows_of(const random_images& any, const std::vector<index_entry>& entries,
                               const std::string& node) {
  std::vector<image_row> rows;
  for (const auto& e : entries) {
    auto& row = rows.emplace_back();
    row.key = e.key;
    row.pixel_coverage = e.pixel_coverage;
    if (e.cloud_coverage >= 0) row.cloud_coverage = e.cloud_coverage;
    row.nodes = {node};
    if (!e.layout) continue;
    const auto& [properties, subdatasets, written] = any.layouts.at(e.layout->form());
    row.properties = properties;
    row.written = written;
    std::optional<double> measured, quality;
    for (size_t i = 0; i < e.chips.size(); ++i) {
      const auto& c = e.chips[i];
      const auto& s = subdatasets[i];
      row.subdatasets.push_back({s.id, s.type, s.bands, c.width, c.height, c.pixel_coverage,
                                 c.bytes, s.scene, c.content});
      auto& least = e.layout->is_quality(i) ? quality : measured;
      least = std::min(least.value_or(1), c.pixel_coverage);
    }
    row.pixel_coverage = measured ? *measured : *quality;
  }
  return rows;
}

/// How many of the rounds' filters matched something.
int require_equal_answers(random_images& any, const image_index& index, const brute_force& twin,
                          int rounds) {
  int matched = 0;
  CAF_REQUIRE_EQUAL(index.size(), twin.images.size());
  CAF_REQUIRE(index.platforms() == twin.platforms());
  for (int i = 0; i < rounds; ++i) {
    const auto f = any.any_filter();
    const auto order = any.order();
    const auto limit = any.once_in(3) ? no_limit : any.below(20);
    std::optional<image_facts> after;
    if (any.once_in(2)) after = any.entry().facts();
    if (after && any.once_in(9)) after->key.geocode = "no code";
    const auto expected = twin.find(f, order, limit, after);
    CAF_REQUIRE(index.find(f, order, limit, after) == expected);
    const auto page = index.page(f, order, limit, after, "node-1");
    const auto rows = decode_image_rows(page.rows);
    CAF_REQUIRE(rows);
    CAF_REQUIRE(*rows == rows_of(any, expected, "node-1"));
    CAF_REQUIRE_EQUAL(page.more,
                      limit != no_limit && twin.find(f, order, limit + 1, after).size() > limit);
    CAF_REQUIRE(index.candidates(f) >= expected.size());
    CAF_REQUIRE_EQUAL(index.count(f), twin.find(f, order, no_limit, {}).size());
    CAF_REQUIRE(index.extents(f) == twin.extents(f, {}));
    const cell_predicate half = [](std::string_view code) { return code.back() % 2 == 0; };
    CAF_REQUIRE(index.extents(f, half) == twin.extents(f, half));
    if (!expected.empty()) ++matched;
  }
  return matched;
}

}  // namespace

CAF_TEST(an index answers as a scan of all images does through any changes) {
  for (const auto algorithm : algorithms) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
      CAF_MESSAGE("seed " << seed << " " << std::string(to_string(algorithm)));
      random_images any(seed, algorithm);
      brute_force twin{algorithm};
      image_index index(algorithm);
      int matched = 0;
      for (int step = 0; step < 12; ++step) {
        const auto changes = random_changes(any, twin, any.below(step % 4 == 0 ? 150 : 8));
        index = index.with(changes);
        for (const auto& change : changes) twin.apply(change);
        matched += require_equal_answers(any, index, twin, 20);
      }
      CAF_CHECK(matched > 40);
    }
  }
}

CAF_TEST(an index answers the same over many levels and after they were merged) {
  random_images any(77, geocode_algorithm::geohash);
  brute_force twin{geocode_algorithm::geohash};
  image_index index(geocode_algorithm::geohash);
  size_t most_levels = 0;
  for (int step = 0; step < 8; ++step) {
    const auto changes = random_changes(any, twin, step < 4 ? 4000 : 100);
    index = index.with(changes);
    for (const auto& change : changes) twin.apply(change);
    most_levels = std::max(most_levels, index.levels());
    require_equal_answers(any, index, twin, 3);
  }
  CAF_CHECK(most_levels > 1);
  CAF_CHECK(twin.images.size() > defaults::min_time_ordered_rows);
}

CAF_TEST(merges beside changes lose nothing whenever they are taken in) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    CAF_MESSAGE("seed " << seed);
    random_images any(seed, geocode_algorithm::quadtile);
    brute_force twin{geocode_algorithm::quadtile};
    image_index index(geocode_algorithm::quadtile);
    std::optional<index_merge> merge;
    size_t begun = 0;
    for (int step = 0; step < 60; ++step) {
      const auto changes = random_changes(any, twin, 1 + any.below(any.once_in(4) ? 300 : 20));
      index = index.with(changes, 100);
      for (const auto& change : changes) twin.apply(change);
      if (!merge) {
        merge = index.pending_merge(any.below(100));
        if (merge) {
          merge->run();
          ++begun;
        }
      } else if (any.once_in(3)) {
        index = index.adopt(*merge);
        merge.reset();
      }
      require_equal_answers(any, index, twin, 2);
    }
    CAF_CHECK(begun > 3);
  }
}

CAF_TEST(a large merge is taken in though small changes were merged meanwhile) {
  constexpr size_t inline_rows = 8000;
  random_images any(31, geocode_algorithm::geohash);
  brute_force twin{geocode_algorithm::geohash};
  image_index index(geocode_algorithm::geohash);
  const auto change = [&](size_t n) {
    const auto changes = random_changes(any, twin, n);
    index = index.with(changes, inline_rows);
    for (const auto& c : changes) twin.apply(c);
  };
  for (int i = 0; i < 3; ++i) {
    std::vector<index_change> changes;
    for (size_t k = 0; k < inline_rows; ++k) {
      changes.push_back({index_change::kind::put, any.entry()});
      // Keys that do not meet.
      changes.back().entry.key.timestamp += int64_t(i * 1'000'000 + k) * 86'400'0;
      twin.apply(changes.back());
    }
    index = index.with(changes, inline_rows);
  }
  CAF_CHECK_EQUAL(index.levels(), 3u);
  auto merge = index.pending_merge(inline_rows);
  CAF_REQUIRE(merge);
  for (int i = 0; i < 20; ++i) change(100);
  merge->run();
  index = index.adopt(*merge);
  CAF_CHECK(index.levels() < 5);
  CAF_CHECK(!index.pending_merge(inline_rows));
  CAF_CHECK_EQUAL(index.size(), twin.images.size());
  const auto all = twin.find({}, sort_field::timestamp, no_limit, {});
  CAF_CHECK(index.find({}, sort_field::timestamp, no_limit, {}) == all);
  // Page by page, in the order of time and in others.
  for (const auto order : {sort_field::timestamp, sort_field::geocode, sort_field::key}) {
    filter f;
    if (order == sort_field::timestamp) f.pixel_coverage = 0.3;
    const auto whole = twin.find(f, order, 30'000, {});
    std::vector<index_entry> pages;
    std::optional<image_facts> after;
    while (pages.size() < whole.size()) {
      const auto page = index.find(f, order, 1000, after);
      CAF_REQUIRE(!page.empty());
      pages.insert(pages.end(), page.begin(), page.end());
      after = page.back().facts();
    }
    CAF_CHECK(pages == whole);
  }
}

CAF_TEST(a page ends at its bytes and says that there are more) {
  random_images any(12, geocode_algorithm::geohash);
  std::vector<index_entry> entries;
  std::vector<row_layout::subdataset> many(500);
  for (auto& s : many) s.id = "x";
  const auto layout = row_layout::make({}, many);
  for (int i = 0; i < 400; ++i) {
    auto e = any.entry();
    e.key.timestamp += i;
    e.layout = layout;
    e.chips.assign(many.size(), {});
    e.pixel_coverage = 0;
    entries.push_back(e);
  }
  const image_index index(geocode_algorithm::geohash, entries);
  std::optional<image_facts> after;
  size_t rows = 0, pages = 0;
  for (bool more = true; more; ++pages) {
    const auto page = index.page({}, sort_field::timestamp, 1000, after, "n");
    CAF_REQUIRE(page.count > 0);
    CAF_CHECK(page.rows.size() <= defaults::max_page_bytes + 100'000);
    rows += page.count;
    more = page.more;
    auto decoded = decode_image_rows(page.rows);
    CAF_REQUIRE(decoded);
    CAF_REQUIRE_EQUAL(decoded->size(), page.count);
    after = decoded->back().facts();
  }
  CAF_CHECK_EQUAL(rows, index.size());
  CAF_CHECK(pages > 1);
}

CAF_TEST(snapshots that are held while changes go on stay as they were) {
  random_images any(14, geocode_algorithm::geohash);
  brute_force twin{geocode_algorithm::geohash};
  image_index index(geocode_algorithm::geohash);
  std::vector<std::pair<image_index, std::vector<index_entry>>> held;
  for (int step = 0; step < 120; ++step) {
    const auto changes = random_changes(any, twin, 1 + any.below(60));
    index = index.with(changes);
    for (const auto& change : changes) twin.apply(change);
    if (any.once_in(4)) held.emplace_back(index, twin.find({}, sort_field::key, no_limit, {}));
    const auto& [snapshot, images] =
        held.empty() ? std::pair{index, twin.find({}, sort_field::key, no_limit, {})}
                     : any.pick(held);
    CAF_REQUIRE(snapshot.find({}, sort_field::key, no_limit, {}) == images);
    CAF_REQUIRE_EQUAL(snapshot.size(), images.size());
  }
}

CAF_TEST(an index of entries in any order equals one that was given them as changes) {
  random_images any(5, geocode_algorithm::quadtile);
  std::vector<index_entry> entries;
  std::vector<index_change> changes;
  for (int i = 0; i < 500; ++i) {
    entries.push_back(any.entry());
    changes.push_back({index_change::kind::put, entries.back()});
  }
  const image_index whole(geocode_algorithm::quadtile, entries);
  const auto grown = image_index(geocode_algorithm::quadtile).with(changes);
  CAF_CHECK_EQUAL(whole.size(), grown.size());
  const auto listed = whole.find({}, sort_field::key, no_limit, {});
  CAF_CHECK(listed == grown.find({}, sort_field::key, no_limit, {}));
  const image_index again(geocode_algorithm::quadtile, listed);
  CAF_CHECK(listed == again.find({}, sort_field::key, no_limit, {}));
}

CAF_TEST(pages of any size give exactly the whole listing) {
  for (const auto algorithm : algorithms) {
    random_images any(21, algorithm);
    brute_force twin{algorithm};
    image_index index(algorithm);
    for (int step = 0; step < 3; ++step) {
      const auto changes = random_changes(any, twin, 120);
      index = index.with(changes);
      for (const auto& change : changes) twin.apply(change);
    }
    for (int order = 0; order < 8; ++order) {
      const auto field = static_cast<sort_field>(order);
      const auto f = order % 2 == 0 ? filter{} : any.any_filter();
      const auto whole = index.find(f, field, no_limit, {});
      for (const size_t size : {1, 2, 7, 50, 1000}) {
        std::vector<index_entry> pages;
        std::optional<image_facts> after;
        for (;;) {
          const auto page = index.find(f, field, size, after);
          CAF_REQUIRE(page.size() <= size);
          pages.insert(pages.end(), page.begin(), page.end());
          if (page.size() < size) break;
          after = page.back().facts();
        }
        CAF_REQUIRE(pages == whole);
      }
    }
  }
}

CAF_TEST(a small limit over many images gives the first of them) {
  random_images any(3, geocode_algorithm::geohash);
  brute_force twin{geocode_algorithm::geohash};
  std::vector<index_entry> entries;
  for (int i = 0; i < 20'000; ++i) {
    entries.push_back(any.entry());
    twin.apply({index_change::kind::put, entries.back()});
  }
  const image_index index(geocode_algorithm::geohash, entries);
  for (int order = 0; order < 8; ++order) {
    const auto field = static_cast<sort_field>(order);
    const auto all = twin.find({}, field, no_limit, {});
    for (const size_t limit : {1, 10, 1500}) {
      const std::vector<index_entry> first(all.begin(), all.begin() + ptrdiff_t(limit));
      CAF_REQUIRE(index.find({}, field, limit, {}) == first);
    }
  }
}

CAF_TEST(a snapshot does not change when another is made of it) {
  random_images any(8, geocode_algorithm::geohash);
  const auto e = any.entry();
  const auto one = image_index(geocode_algorithm::geohash).with({{index_change::kind::put, e}});
  const auto none = one.with({{index_change::kind::erase, e}});
  CAF_CHECK_EQUAL(one.size(), 1u);
  CAF_CHECK_EQUAL(one.count({}), 1u);
  CAF_CHECK_EQUAL(none.size(), 0u);
  CAF_CHECK(none.platforms().empty());
  CAF_CHECK(none.find({}, sort_field::timestamp, 10, {}).empty());
}

CAF_TEST(of changes to one image the last counts and erasing what is absent does nothing) {
  random_images any(9, geocode_algorithm::geohash);
  auto e = any.entry();
  const image_index index(geocode_algorithm::geohash);
  using kind = index_change::kind;
  CAF_CHECK_EQUAL(index.with({{kind::erase, e}}).size(), 0u);
  CAF_CHECK_EQUAL(index.with({{kind::put, e}, {kind::erase, e}}).size(), 0u);
  CAF_CHECK_EQUAL(index.with({{kind::erase, e}, {kind::put, e}}).size(), 1u);
  auto later = e;
  later.cloud_coverage = 0.25f;
  const auto found =
      index.with({{kind::put, e}, {kind::put, later}}).find({}, sort_field::key, 9, {});
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK(found.front() == later);
}

CAF_TEST(an entry whose geocode is no code is left out) {
  random_images any(10, geocode_algorithm::quadtile);
  auto e = any.entry();
  for (const char* code : {"", "4", "u4", "0123012301230123012301230123012"}) {
    e.key.geocode = code;
    CAF_CHECK_EQUAL(image_index(geocode_algorithm::quadtile, std::vector{e}).size(), 0u);
  }
}
