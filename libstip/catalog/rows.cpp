#include "libstip/catalog/rows.hpp"

#include <algorithm>
#include <deque>
#include <tuple>
#include <unordered_map>

#include "libstip/catalog/row_columns.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

// A buffer of extents, see core/packed.hpp for the words:
//
//   u8 version, u8 kind, count texts, text each, count rows,
//   then geocode, platform, source (text ids), precision and count each
//
// Image rows: row_columns.cpp.

namespace stip {

namespace {

constexpr uint8_t extents_version = 1;
constexpr uint8_t kind_extents = 2;

/// The fewest bytes that a row or a part of it can take, to judge counts before memory is taken.
constexpr size_t least_extent_bytes = 5;
constexpr size_t least_property_bytes = 2;
constexpr size_t least_subdataset_bytes = 1 + 1 + sizeof(hash128) + 1;

/// Gives every distinct text a number, in the order of first use.
class text_table {
 public:
  uint32_t id(std::string_view text) {
    const auto found = ids_.find(text);
    if (found != ids_.end()) return found->second;
    texts_.emplace_back(text);
    return ids_.emplace(texts_.back(), static_cast<uint32_t>(texts_.size() - 1)).first->second;
  }

  std::vector<std::string_view> views() const { return {texts_.begin(), texts_.end()}; }

 private:
  // A deque, since the map's keys point into its texts.
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t> ids_;
};

/// Keeps account of what rows expand to.
class expansion {
 public:
  explicit expansion(packed_reader& in) : in_(in) {}

  void spend(size_t bytes) {
    in_.expect(bytes <= budget_, "the rows expand past their bound");
    budget_ -= std::min(bytes, budget_);
  }

  /// `count` elements of `bytes_each`.
  void spend(size_t count, size_t bytes_each) {
    spend(count > budget_ / bytes_each ? budget_ + 1 : count * bytes_each);
  }

 private:
  packed_reader& in_;
  size_t budget_ = defaults::max_decoded_rows_bytes;
};

/// A row's layout, unpacked, and the bytes of memory that it takes.
struct unpacked_layout {
  version written;
  std::map<std::string, std::string> properties;
  std::vector<row_layout::subdataset> subdatasets;
  size_t bytes = 0;
};

result<unpacked_layout> unpack_layout(std::string_view form) {
  constexpr size_t map_node_bytes = 64;
  packed_reader in{"image rows", form};
  unpacked_layout out;
  const auto subdatasets = in.varint(defaults::max_subdatasets);
  out.written = in.stamp();
  for (auto n = in.count(SIZE_MAX, least_property_bytes); n > 0 && in.ok(); --n) {
    std::string name(in.text(defaults::max_row_text_bytes));
    std::string value(in.text(defaults::max_row_text_bytes));
    in.expect(out.properties.empty() || out.properties.rbegin()->first < name,
              "properties are out of order");
    if (!in.ok()) break;
    out.bytes += map_node_bytes + 2 * sizeof(std::string) + name.size() + value.size();
    out.properties.emplace_hint(out.properties.end(), std::move(name), std::move(value));
  }
  in.expect(subdatasets <= in.remaining() / least_subdataset_bytes,
            "a count promises more than the bytes hold");
  for (uint64_t i = 0; i < subdatasets && in.ok(); ++i) {
    auto& s = out.subdatasets.emplace_back();
    s.id = in.text(defaults::max_row_text_bytes);
    s.type = static_cast<pixel_type>(in.u8());
    in.expect(is_known(s.type), "a pixel type is unknown");
    s.scene = in.hash();
    s.bands.resize(in.count(defaults::max_bands, 1));
    out.bytes += sizeof(subdataset_row) + s.id.size();
    for (auto& band : s.bands) {
      band = in.text(defaults::max_row_text_bytes);
      out.bytes += sizeof(std::string) + band.size();
    }
  }
  STIP_TRY(in.finish());
  return out;
}

}  // namespace

std::string encode_rows(const std::vector<image_row>& rows) {
  row_columns columns;
  columns.reserve(rows.size());
  text_table texts, layouts;
  std::map<std::vector<uint32_t>, uint32_t> node_sets;
  for (const auto& r : rows) {
    columns.platform.push_back(texts.id(r.key.platform));
    columns.source.push_back(texts.id(r.key.source));
    columns.tile.push_back(texts.id(r.key.tile));
    const auto geocode = std::string_view(r.key.geocode).substr(0, defaults::max_name_bytes);
    columns.geocodes += geocode;
    columns.geocode_bytes.push_back(static_cast<uint8_t>(geocode.size()));
    columns.time.push_back(r.key.timestamp);
    columns.pixel_coverage.push_back(r.pixel_coverage);
    columns.cloud_coverage.push_back(r.cloud_coverage.value_or(-1));
    std::vector<row_layout::subdataset> subdatasets;
    for (const auto& s : r.subdatasets) {
      subdatasets.push_back({s.id, s.type, s.bands, s.scene, false});
      columns.chips.push_back({s.width, s.height, s.pixel_coverage, s.bytes, s.content});
    }
    columns.layout.push_back(
        layouts.id(row_layout::make(r.properties, subdatasets, r.written)->form()));
    std::vector<uint32_t> nodes;
    for (const auto& node : r.nodes) nodes.push_back(texts.id(node));
    const auto next = static_cast<uint32_t>(node_sets.size());
    const auto [at, is_new] = node_sets.try_emplace(nodes, next);
    if (is_new) columns.node_sets.push_back(nodes);
    columns.nodes.push_back(at->second);
  }
  columns.texts = texts.views();
  columns.layouts = layouts.views();
  return pack(columns);
}

result<std::vector<image_row>> decode_image_rows(std::string_view bytes) {
  STIP_ASSIGN(const auto columns, unpack_rows(bytes));
  packed_reader in{"image rows", bytes};
  expansion budget(in);
  std::vector<unpacked_layout> layouts;
  budget.spend(columns.layouts.size(), sizeof(unpacked_layout));
  for (const auto& form : columns.layouts) {
    STIP_ASSIGN(auto layout, unpack_layout(form));
    budget.spend(layout.bytes);
    if (!in.ok()) return fail(in.finish().error());
    layouts.push_back(std::move(layout));
  }
  std::vector<image_row> rows;
  budget.spend(columns.size(), sizeof(image_row));
  if (!in.ok()) return fail(in.finish().error());
  rows.reserve(columns.size());
  size_t geocode = 0, chip = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& platform = columns.texts[columns.platform[i]];
    const auto& source = columns.texts[columns.source[i]];
    const auto& tile = columns.texts[columns.tile[i]];
    const auto& layout = layouts[columns.layout[i]];
    const auto& nodes = columns.node_sets[columns.nodes[i]];
    budget.spend(platform.size() + source.size() + tile.size() + layout.bytes);
    for (const auto node : nodes) budget.spend(sizeof(std::string) + columns.texts[node].size());
    if (!in.ok()) return fail(in.finish().error());
    auto& r = rows.emplace_back();
    r.key.platform = platform;
    r.key.geocode = columns.geocodes.substr(geocode, columns.geocode_bytes[i]);
    geocode += columns.geocode_bytes[i];
    r.key.source = source;
    r.key.tile = tile;
    r.key.timestamp = columns.time[i];
    r.pixel_coverage = columns.pixel_coverage[i];
    if (columns.cloud_coverage[i] >= 0) r.cloud_coverage = columns.cloud_coverage[i];
    r.written = layout.written;
    r.properties = layout.properties;
    for (const auto& s : layout.subdatasets) {
      const auto c = columns.chips[chip++];
      r.subdatasets.push_back({s.id, s.type, s.bands, c.width, c.height, c.pixel_coverage, c.bytes,
                               s.scene, c.content});
    }
    for (const auto node : nodes) r.nodes.emplace_back(columns.texts[node]);
  }
  return rows;
}

std::string encode_rows(const std::vector<extent_row>& rows) {
  text_table texts;
  packed_writer columns;
  columns.varint(rows.size());
  for (const auto& r : rows) columns.varint(texts.id(r.geocode));
  for (const auto& r : rows) columns.varint(texts.id(r.platform));
  for (const auto& r : rows) columns.varint(texts.id(r.source));
  for (const auto& r : rows) columns.varint(r.precision);
  for (const auto& r : rows) columns.varint(r.count);
  packed_writer out;
  const auto views = texts.views();
  out.u8(extents_version).u8(kind_extents).varint(views.size());
  for (const auto& text : views) out.text(text);
  return out.take() + columns.bytes();
}

result<std::vector<extent_row>> decode_extent_rows(std::string_view bytes) {
  packed_reader in{"extent rows", bytes};
  expansion budget(in);
  in.expect_version(extents_version);
  in.expect(in.u8() == kind_extents, "it holds another kind of rows");
  std::vector<std::string_view> texts(in.count(SIZE_MAX, 1));
  for (auto& text : texts) text = in.text(defaults::max_row_text_bytes);
  const auto count = in.count(SIZE_MAX, least_extent_bytes);
  budget.spend(count, sizeof(extent_row));
  std::vector<extent_row> rows(in.ok() ? count : 0);
  const auto text = [&]() -> std::string {
    const auto i = in.varint();
    in.expect(i < texts.size(), "a text is not in the table");
    if (in.ok()) budget.spend(texts[i].size());
    return in.ok() ? std::string(texts[i]) : std::string();
  };
  for (auto& r : rows) r.geocode = text();
  for (auto& r : rows) r.platform = text();
  for (auto& r : rows) r.source = text();
  for (auto& r : rows) r.precision = static_cast<uint32_t>(in.varint(UINT32_MAX));
  for (auto& r : rows) r.count = in.varint();
  STIP_TRY(in.finish());
  return rows;
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
