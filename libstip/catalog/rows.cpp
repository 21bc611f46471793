#include "libstip/catalog/rows.hpp"

#include <algorithm>
#include <deque>
#include <tuple>
#include <unordered_map>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

// A buffer of rows, see core/packed.hpp for the words:
//
//   u8 version, u8 kind, count texts, text each, then by kind
//   images:  count layouts (text id of the subdataset, u8 pixel type, count bands, text id each),
//            count rows, then a column each: platform, geocode, source, tile (text ids), time
//            (signed varint, difference to the row above), pixel coverage (f64), cloud coverage
//            (flag, then f64 where known), properties (count, two text ids each), nodes (count,
//            text id each), subdatasets (count, then layout, width, height, pixel coverage, bytes,
//            scene and content each)
//   extents: count rows, then geocode, platform, source (text ids), precision and count each

namespace stip {

namespace {

constexpr uint8_t rows_version = 1;
constexpr uint8_t kind_images = 1;
constexpr uint8_t kind_extents = 2;

/// The fewest bytes that a row or a part of it can take, to judge counts before memory is taken.
constexpr size_t least_text_bytes = 1;
constexpr size_t least_layout_bytes = 3;
constexpr size_t least_image_bytes = 4 + 1 + 8 + 1 + 3;
constexpr size_t least_property_bytes = 2;
constexpr size_t least_subdataset_bytes = 3 + 8 + 1 + 16 + 16;
constexpr size_t least_extent_bytes = 5;

/// Gives every distinct text a number, in the order of first use.
class text_table_writer {
 public:
  uint64_t id(std::string_view text) {
    const auto found = ids_.find(text);
    if (found != ids_.end()) return found->second;
    texts_.emplace_back(text);
    return ids_.emplace(texts_.back(), texts_.size() - 1).first->second;
  }

  void write(packed_writer& out) const {
    out.varint(texts_.size());
    for (const auto& text : texts_) out.text(text);
  }

 private:
  // A deque, since the map's keys point into its texts.
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint64_t> ids_;
};

/// Reads a buffer's head and texts, and keeps account of what the rows expand to.
class rows_reader {
 public:
  rows_reader(std::string_view what, std::string_view bytes, uint8_t kind) : in(what, bytes) {
    in.expect_version(rows_version);
    in.expect(in.u8() == kind, "it holds another kind of rows");
    texts_.resize(in.count(SIZE_MAX, least_text_bytes));
    for (auto& text : texts_) text = in.text(defaults::max_row_text_bytes);
  }

  std::string text() {
    const auto i = in.varint();
    in.expect(i < texts_.size(), "a text is not in the table");
    if (!in.ok()) return {};
    spend(sizeof(std::string) + texts_[i].size());
    return in.ok() ? std::string(texts_[i]) : std::string();
  }

  /// A count of elements that take `bytes_each` in memory.
  size_t count(size_t least_bytes_each, size_t bytes_each, size_t most = SIZE_MAX) {
    const auto n = in.count(most, least_bytes_each);
    spend(n > budget_ / bytes_each ? budget_ + 1 : n * bytes_each);
    return in.ok() ? n : 0;
  }

  void spend(size_t bytes) {
    in.expect(bytes <= budget_, "the rows expand past their bound");
    budget_ -= std::min(bytes, budget_);
  }

  double coverage() {
    const auto value = in.f64();
    in.expect(value >= 0 && value <= 1, "a coverage is not a share");
    return value;
  }

  packed_reader in;

 private:
  std::vector<std::string_view> texts_;
  size_t budget_ = defaults::max_decoded_rows_bytes;
};

/// What the subdatasets of many images have in common: name, type and bands.
struct layout {
  std::string id;
  pixel_type type = pixel_type::uint8;
  std::vector<std::string> bands;
  size_t bytes = 0;
};

/// The table of layouts, written as the ids of their texts.
class layout_table_writer {
 public:
  explicit layout_table_writer(text_table_writer& texts) : texts_(texts) {}

  uint64_t id(const subdataset_row& row) {
    packed_writer form;
    form.varint(texts_.id(row.id)).u8(static_cast<uint8_t>(row.type)).varint(row.bands.size());
    for (const auto& band : row.bands) form.varint(texts_.id(band));
    auto bytes = form.take();
    const auto [at, is_new] = ids_.try_emplace(bytes, layouts_.size());
    if (is_new) layouts_.push_back(std::move(bytes));
    return at->second;
  }

  void write(std::string& out) const {
    out += packed_writer{}.varint(layouts_.size()).bytes();
    for (const auto& form : layouts_) out += form;
  }

 private:
  text_table_writer& texts_;
  std::vector<std::string> layouts_;
  std::unordered_map<std::string, uint64_t> ids_;
};

std::vector<layout> read_layouts(rows_reader& from) {
  auto& in = from.in;
  std::vector<layout> layouts(from.count(least_layout_bytes, sizeof(layout)));
  for (auto& l : layouts) {
    l.id = from.text();
    l.type = static_cast<pixel_type>(in.u8());
    in.expect(is_known(l.type), "a pixel type is unknown");
    l.bands.resize(from.count(1, sizeof(std::string), defaults::max_bands));
    l.bytes = l.id.size();
    for (auto& band : l.bands) {
      band = from.text();
      l.bytes += sizeof(std::string) + band.size();
    }
  }
  return layouts;
}

void read_subdatasets(rows_reader& from, const std::vector<layout>& layouts, image_row& row) {
  auto& in = from.in;
  row.subdatasets.resize(
      from.count(least_subdataset_bytes, sizeof(subdataset_row), defaults::max_subdatasets));
  for (auto& s : row.subdatasets) {
    const auto i = in.varint();
    in.expect(i < layouts.size(), "a subdataset is not in the table");
    if (!in.ok()) return;
    from.spend(layouts[i].bytes);
    if (!in.ok()) return;
    s.id = layouts[i].id;
    s.type = layouts[i].type;
    s.bands = layouts[i].bands;
    s.width = static_cast<uint32_t>(in.varint(UINT32_MAX));
    s.height = static_cast<uint32_t>(in.varint(UINT32_MAX));
    s.pixel_coverage = from.coverage();
    s.bytes = in.varint();
    s.scene = in.hash();
    s.content = in.hash();
  }
}

std::string with_head(uint8_t kind, const text_table_writer& texts) {
  packed_writer out;
  out.u8(rows_version).u8(kind);
  texts.write(out);
  return out.take();
}

/// Of two rows of one image: is `a` the better? Nodes do not count.
bool better(const image_row& a, const image_row& b) {
  const auto rank = [](const image_row& r) {
    return std::tuple(r.subdatasets.size(), r.cloud_coverage.has_value(), r.pixel_coverage);
  };
  if (rank(a) != rank(b)) return rank(b) < rank(a);
  const auto content = [](image_row r) {
    r.nodes.clear();
    return encode_rows(std::vector{std::move(r)});
  };
  return content(b) < content(a);
}

}  // namespace

std::string encode_rows(const std::vector<image_row>& rows) {
  text_table_writer texts;
  layout_table_writer layouts(texts);
  packed_writer columns;
  columns.varint(rows.size());
  for (const auto& r : rows) columns.varint(texts.id(r.key.platform));
  for (const auto& r : rows) columns.varint(texts.id(r.key.geocode));
  for (const auto& r : rows) columns.varint(texts.id(r.key.source));
  for (const auto& r : rows) columns.varint(texts.id(r.key.tile));
  uint64_t above = 0;
  for (const auto& r : rows) {
    // Unsigned, so that any two times have a difference.
    const auto time = static_cast<uint64_t>(r.key.timestamp);
    columns.signed_varint(static_cast<int64_t>(time - above));
    above = time;
  }
  for (const auto& r : rows) columns.f64(r.pixel_coverage);
  for (const auto& r : rows) {
    columns.flag(r.cloud_coverage.has_value());
    if (r.cloud_coverage) columns.f64(*r.cloud_coverage);
  }
  for (const auto& r : rows) {
    columns.varint(r.properties.size());
    for (const auto& [name, value] : r.properties)
      columns.varint(texts.id(name)).varint(texts.id(value));
  }
  for (const auto& r : rows) {
    columns.varint(r.nodes.size());
    for (const auto& node : r.nodes) columns.varint(texts.id(node));
  }
  for (const auto& r : rows) {
    columns.varint(r.subdatasets.size());
    for (const auto& s : r.subdatasets)
      columns.varint(layouts.id(s))
          .varint(s.width)
          .varint(s.height)
          .f64(s.pixel_coverage)
          .varint(s.bytes)
          .hash(s.scene)
          .hash(s.content);
  }
  auto out = with_head(kind_images, texts);
  layouts.write(out);
  return out + columns.bytes();
}

result<std::vector<image_row>> decode_image_rows(std::string_view bytes) {
  rows_reader from("image rows", bytes, kind_images);
  auto& in = from.in;
  const auto layouts = read_layouts(from);
  std::vector<image_row> rows(from.count(least_image_bytes, sizeof(image_row)));
  for (auto& r : rows) r.key.platform = from.text();
  for (auto& r : rows) r.key.geocode = from.text();
  for (auto& r : rows) r.key.source = from.text();
  for (auto& r : rows) r.key.tile = from.text();
  uint64_t above = 0;
  for (auto& r : rows) {
    above += static_cast<uint64_t>(in.signed_varint());
    r.key.timestamp = static_cast<int64_t>(above);
    in.expect(is_key_time(r.key.timestamp), "a timestamp is out of range");
  }
  for (auto& r : rows) r.pixel_coverage = from.coverage();
  for (auto& r : rows)
    if (in.flag()) r.cloud_coverage = from.coverage();
  for (auto& r : rows) {
    constexpr size_t node_bytes = 64;
    for (auto n = from.count(least_property_bytes, node_bytes); n > 0; --n) {
      auto name = from.text();
      auto value = from.text();
      in.expect(r.properties.empty() || r.properties.rbegin()->first < name,
                "properties are out of order");
      if (!in.ok()) break;
      r.properties.emplace_hint(r.properties.end(), std::move(name), std::move(value));
    }
  }
  for (auto& r : rows) {
    r.nodes.resize(from.count(1, sizeof(std::string)));
    for (auto& node : r.nodes) node = from.text();
  }
  for (auto& r : rows) read_subdatasets(from, layouts, r);
  STIP_TRY(in.finish());
  return rows;
}

std::string encode_rows(const std::vector<extent_row>& rows) {
  text_table_writer texts;
  packed_writer columns;
  columns.varint(rows.size());
  for (const auto& r : rows) columns.varint(texts.id(r.geocode));
  for (const auto& r : rows) columns.varint(texts.id(r.platform));
  for (const auto& r : rows) columns.varint(texts.id(r.source));
  for (const auto& r : rows) columns.varint(r.precision);
  for (const auto& r : rows) columns.varint(r.count);
  return with_head(kind_extents, texts) + columns.bytes();
}

result<std::vector<extent_row>> decode_extent_rows(std::string_view bytes) {
  rows_reader from("extent rows", bytes, kind_extents);
  auto& in = from.in;
  std::vector<extent_row> rows(from.count(least_extent_bytes, sizeof(extent_row)));
  for (auto& r : rows) r.geocode = from.text();
  for (auto& r : rows) r.platform = from.text();
  for (auto& r : rows) r.source = from.text();
  for (auto& r : rows) r.precision = static_cast<uint32_t>(in.varint(UINT32_MAX));
  for (auto& r : rows) r.count = in.varint();
  STIP_TRY(in.finish());
  return rows;
}

std::vector<image_row> merge_rows(std::vector<std::vector<image_row>> pages, sort_field order,
                                  size_t limit) {
  // Collected by key first: where copies differ (one node knows the cloud coverage, another does
  // not yet) equal keys need not stand beside each other in the order.
  std::unordered_map<std::string, size_t> places;
  std::vector<image_row> rows;
  for (auto& page : pages) {
    for (auto& row : page) {
      const auto [at, is_new] = places.try_emplace(to_string(row.key), rows.size());
      if (is_new) {
        rows.push_back(std::move(row));
        continue;
      }
      auto& kept = rows[at->second];
      if (better(row, kept)) std::swap(row, kept);
      kept.nodes.insert(kept.nodes.end(), std::make_move_iterator(row.nodes.begin()),
                        std::make_move_iterator(row.nodes.end()));
    }
  }
  for (auto& row : rows) {
    std::sort(row.nodes.begin(), row.nodes.end());
    row.nodes.erase(std::unique(row.nodes.begin(), row.nodes.end()), row.nodes.end());
  }
  std::vector<std::pair<image_facts, size_t>> sorted;
  sorted.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) sorted.emplace_back(rows[i].facts(), i);
  const auto shown = std::min(limit, sorted.size());
  std::partial_sort(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(shown), sorted.end(),
                    [&](const auto& a, const auto& b) { return before(order, a.first, b.first); });
  std::vector<image_row> merged;
  merged.reserve(shown);
  for (size_t i = 0; i < shown; ++i) merged.push_back(std::move(rows[sorted[i].second]));
  return merged;
}

std::vector<extent_row> merge_rows(std::vector<std::vector<extent_row>> pages) {
  const auto place = [](const extent_row& r) {
    return std::tie(r.geocode, r.platform, r.precision, r.source);
  };
  std::vector<extent_row> all;
  for (auto& page : pages)
    all.insert(all.end(), std::make_move_iterator(page.begin()),
               std::make_move_iterator(page.end()));
  std::sort(all.begin(), all.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<extent_row> merged;
  for (auto& row : all) {
    if (!merged.empty() && place(merged.back()) == place(row))
      merged.back().count += row.count;
    else
      merged.push_back(std::move(row));
  }
  return merged;
}

}  // namespace stip
