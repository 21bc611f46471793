#define CAF_SUITE catalog.rows
#include "libstip/catalog/rows.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>

#include "libstip/catalog/row_columns.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "random_images.hpp"

using namespace stip;
using stip::test::random_images;

namespace {

subdataset_row random_subdataset(random_images& any) {
  static const std::vector<std::vector<std::string>> bands = {{"B02", "B03"}, {"1"}, {}};
  subdataset_row s;
  s.id = any.once_in(2) ? "10m" : "20m";
  s.type = any.once_in(2) ? pixel_type::uint16 : pixel_type::bit;
  s.bands = any.pick(bands);
  s.width = uint32_t(any.random());
  s.height = uint32_t(any.below(1000));
  s.pixel_coverage = any.coverage();
  s.bytes = any.random() >> any.below(64);
  s.scene = {any.below(3), 5};
  s.content = {any.random(), any.random()};
  return s;
}

image_row random_row(random_images& any) {
  image_row r;
  r.key = any.key();
  if (any.once_in(50)) r.key.timestamp = any.once_in(2) ? *parse_time("0001") : *parse_time("9999");
  r.pixel_coverage = any.coverage();
  if (any.once_in(2)) r.cloud_coverage = any.coverage();
  r.written = any.written();
  for (auto n = any.below(4); n > 0; --n) r.properties[any.tile()] = any.once_in(4) ? "" : "x";
  for (auto n = any.below(4); n > 0; --n) r.subdatasets.push_back(random_subdataset(any));
  for (auto n = any.below(3); n > 0; --n) r.nodes.push_back("node" + std::to_string(any.below(4)));
  return r;
}

std::vector<image_row> random_rows(random_images& any, size_t n) {
  std::vector<image_row> rows;
  for (size_t i = 0; i < n; ++i) rows.push_back(random_row(any));
  return rows;
}

std::vector<extent_row> random_extents(random_images& any, size_t n) {
  std::vector<extent_row> rows;
  for (size_t i = 0; i < n; ++i)
    rows.push_back({any.geocode(), any.platform(), any.source(), uint32_t(1 + any.below(12)),
                    1 + any.below(1000)});
  return rows;
}

/// Merges pages of rows by way of their packed form.
std::vector<image_row> merge_rows(const std::vector<std::vector<image_row>>& pages,
                                  sort_field order, size_t limit) {
  std::vector<rows_page> packed;
  for (const auto& page : pages) packed.push_back({encode_rows(page), false});
  const auto merged = merge_pages(std::move(packed), order, limit);
  if (!merged) CAF_FAIL(to_string(merged.error()));
  auto rows = decode_image_rows(merged->rows);
  if (!rows) CAF_FAIL(to_string(rows.error()));
  return std::move(*rows);
}

template <class Decode>
void require_damage_is_harmless(random_images& any, const std::string& bytes, Decode decode) {
  for (int i = 0; i < 400; ++i) {
    const auto cut = std::string_view(bytes).substr(0, any.below(bytes.size()));
    CAF_REQUIRE(!decode(cut));
    auto damaged = bytes;
    for (auto n = 1 + any.below(4); n > 0; --n)
      damaged[any.below(damaged.size())] = static_cast<char>(any.random());
    // What still decodes has the same form again.
    if (const auto rows = decode(damaged)) CAF_REQUIRE(decode(encode_rows(*rows)).has_value());
  }
  CAF_REQUIRE(!decode(bytes + "x"));
}

}  // namespace

CAF_TEST(rows of images come back as they were) {
  random_images any(1, geocode_algorithm::geohash);
  for (const size_t n : {0, 1, 2, 30, 300}) {
    const auto rows = random_rows(any, n);
    const auto back = decode_image_rows(encode_rows(rows));
    CAF_REQUIRE(back);
    CAF_CHECK(*back == rows);
  }
}

CAF_TEST(rows of extents come back as they were) {
  random_images any(2, geocode_algorithm::quadtile);
  for (const size_t n : {0, 1, 2, 300}) {
    const auto rows = random_extents(any, n);
    const auto back = decode_extent_rows(encode_rows(rows));
    CAF_REQUIRE(back);
    CAF_CHECK(*back == rows);
  }
}

CAF_TEST(damaged buffers are refused or decode to rows) {
  random_images any(3, geocode_algorithm::geohash);
  for (int i = 0; i < 10; ++i) {
    const auto images = encode_rows(random_rows(any, 1 + any.below(20)));
    require_damage_is_harmless(any, images, decode_image_rows);
    const auto extents = encode_rows(random_extents(any, 1 + any.below(20)));
    require_damage_is_harmless(any, extents, decode_extent_rows);
    CAF_CHECK(!decode_extent_rows(images));
    CAF_CHECK(!decode_image_rows(extents));
  }
}

CAF_TEST(a small buffer that would expand past its bound is refused) {
  // One text of a megabyte, to which every row refers.
  image_row row;
  row.key = {std::string(defaults::max_row_text_bytes, 'x'), "u", "s", "t", 0};
  const std::vector<image_row> rows(1000, row);
  const auto bytes = encode_rows(rows);
  CAF_CHECK(bytes.size() < 4 << 20);
  const auto decoded = decode_image_rows(bytes);
  CAF_REQUIRE(!decoded);
  CAF_CHECK(decoded.error().why.find("expand") != std::string::npos);
}

CAF_TEST(a timestamp that no key can have is refused) {
  random_images any(7, geocode_algorithm::geohash);
  for (const auto time : {INT64_MIN, INT64_MAX, *parse_time("0001") - 1}) {
    auto rows = random_rows(any, 2);
    rows[1].key.timestamp = time;
    CAF_CHECK(!decode_image_rows(encode_rows(rows)));
  }
}

CAF_TEST(names that repeat are stored once) {
  random_images any(4, geocode_algorithm::geohash);
  auto row = random_row(any);
  row.key.tile = std::string(200, 't');
  row.subdatasets.clear();
  row.properties.clear();
  const auto one = encode_rows(std::vector{row}).size();
  const auto many = encode_rows(std::vector<image_row>(100, row)).size();
  CAF_CHECK(many < one + 100 * (packed_row_bytes + 10));
}

CAF_TEST(merged pages are the sorted union of the images with their nodes) {
  random_images any(5, geocode_algorithm::geohash);
  for (int round = 0; round < 60; ++round) {
    const auto order = any.order();
    const auto sooner = [&](const image_row& a, const image_row& b) {
      return before(order, a.facts(), b.facts());
    };
    std::vector<image_row> images;
    for (auto& row : random_rows(any, any.below(40))) {
      row.nodes.clear();
      if (std::none_of(images.begin(), images.end(),
                       [&](const image_row& r) { return r.key == row.key; }))
        images.push_back(row);
    }
    std::vector<std::vector<image_row>> pages(3);
    std::vector<image_row> expected;
    for (auto& row : images) {
      auto whole = row;
      for (size_t p = 0; p < pages.size(); ++p) {
        if (any.once_in(2)) continue;
        pages[p].push_back(row);
        pages[p].back().nodes = {std::string(1, char('a' + p))};
        whole.nodes.push_back(std::string(1, char('a' + p)));
      }
      if (!whole.nodes.empty()) expected.push_back(whole);
    }
    std::sort(expected.begin(), expected.end(), sooner);
    for (auto& page : pages) std::sort(page.begin(), page.end(), sooner);
    CAF_REQUIRE(merge_rows(pages, order, SIZE_MAX) == expected);
    const auto limit = any.below(20);
    if (expected.size() > limit) expected.resize(limit);
    CAF_REQUIRE(merge_rows(pages, order, limit) == expected);
  }
}

CAF_TEST(where copies differ the newest row wins in any order of pages and then the fuller) {
  random_images any(6, geocode_algorithm::geohash);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<image_row>> pages;
    const auto key = any.key();
    std::pair<version, size_t> best;
    for (int p = 0; p < 4; ++p) {
      auto row = random_row(any);
      row.key = key;
      best = std::max(best, {row.written, row.subdatasets.size()});
      pages.push_back({row});
    }
    const auto merged = merge_rows(pages, sort_field::timestamp, 10);
    CAF_REQUIRE_EQUAL(merged.size(), 1u);
    CAF_REQUIRE(merged.front().written == best.first);
    CAF_REQUIRE_EQUAL(merged.front().subdatasets.size(), best.second);
    for (int i = 0; i < 4; ++i) {
      std::shuffle(pages.begin(), pages.end(), any.random);
      CAF_REQUIRE(merge_rows(pages, sort_field::timestamp, 10) == merged);
    }
    // Merging in steps is merging at once.
    const auto left = merge_rows({pages[0], pages[1]}, sort_field::timestamp, 10);
    const auto right = merge_rows({pages[2], pages[3]}, sort_field::timestamp, 10);
    CAF_REQUIRE(merge_rows({left, right}, sort_field::timestamp, 10) == merged);
  }
}

CAF_TEST(rows after the end of a page that has more are left out) {
  random_images any(11, geocode_algorithm::geohash);
  for (int round = 0; round < 100; ++round) {
    const auto order = any.order();
    const auto sooner = [&](const image_row& a, const image_row& b) {
      return before(order, a.facts(), b.facts());
    };
    std::vector<rows_page> pages;
    std::vector<image_row> all;
    std::optional<image_row> bound;
    bool more = false;
    for (int p = 0; p < 3; ++p) {
      auto rows = random_rows(any, any.below(12));
      std::erase_if(rows, [&](const image_row& r) {
        return std::any_of(all.begin(), all.end(), [&](const auto& o) { return o.key == r.key; });
      });
      std::sort(rows.begin(), rows.end(), sooner);
      rows.erase(std::unique(rows.begin(), rows.end(),
                             [](const auto& a, const auto& b) { return a.key == b.key; }),
                 rows.end());
      for (auto& row : rows) {
        std::sort(row.nodes.begin(), row.nodes.end());
        row.nodes.erase(std::unique(row.nodes.begin(), row.nodes.end()), row.nodes.end());
      }
      const bool has_more = any.once_in(2);
      more |= has_more;
      if (has_more && !rows.empty() && (!bound || sooner(rows.back(), *bound))) bound = rows.back();
      pages.push_back({encode_rows(rows), has_more});
      all.insert(all.end(), rows.begin(), rows.end());
    }
    std::sort(all.begin(), all.end(), sooner);
    if (bound) std::erase_if(all, [&](const image_row& r) { return sooner(*bound, r); });
    const auto limit = 1 + any.below(30);
    more |= all.size() > limit;
    if (all.size() > limit) all.resize(limit);
    const auto merged = merge_pages(pages, order, limit);
    CAF_REQUIRE(merged);
    const auto rows = decode_image_rows(merged->rows);
    CAF_REQUIRE(rows);
    CAF_REQUIRE(*rows == all);
    CAF_REQUIRE_EQUAL(merged->more, more);
  }
}

CAF_TEST(a damaged page among good ones is refused or merged to rows) {
  random_images any(13, geocode_algorithm::geohash);
  for (int round = 0; round < 300; ++round) {
    const auto good = encode_rows(random_rows(any, 5));
    auto damaged = encode_rows(random_rows(any, 1 + any.below(8)));
    for (auto n = 1 + any.below(4); n > 0; --n)
      damaged[any.below(damaged.size())] = static_cast<char>(any.random());
    const auto merged = merge_pages({{good, false}, {damaged, any.once_in(2)}}, any.order(), 100);
    if (merged) CAF_REQUIRE(unpack_rows(merged->rows).has_value());
  }
}

CAF_TEST(counts of several nodes are added up) {
  const std::vector<std::vector<extent_row>> pages = {
      {{"9", "B", "raw", 5, 2}, {"9", "A", "raw", 5, 1}},
      {{"8", "B", "raw", 5, 7}, {"9", "B", "raw", 5, 3}, {"9", "B", "raw", 4, 1}}};
  const std::vector<extent_row> expected = {{"8", "B", "raw", 5, 7},
                                            {"9", "A", "raw", 5, 1},
                                            {"9", "B", "raw", 4, 1},
                                            {"9", "B", "raw", 5, 5}};
  CAF_CHECK(merge_rows(pages) == expected);
}
