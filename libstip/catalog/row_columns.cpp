#include "libstip/catalog/row_columns.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "libstip/catalog/image.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

// A buffer of image rows, see core/packed.hpp for the words:
//
//   u8 version, u8 kind, count texts, text each, count layouts, text (row_layout::form) each,
//   count node sets, count of nodes and text ids (varints) each, varint rows n, varint chips m,
//   then columns without padding, integers little-endian:
//     n u8 bytes of the geocode, the geocodes, n u32 each of platform, source, tile (texts), layout
//     and node set, n i64 time, n f64 each of pixel and cloud coverage (-1: unknown),
//     then m chips: u32 width, u32 height, f64 pixel coverage, u64 bytes, content (u64 high, low)
//
// The columns have a fixed width so that they are copied whole, and not number by number.

namespace stip {

namespace {

static_assert(std::endian::native == std::endian::little, "columns are copied as they are");

constexpr uint8_t rows_version = 3;
constexpr uint8_t kind_images = 1;

template <class T>
void append_column(std::string& out, const std::vector<T>& column) {
  static_assert(std::is_trivially_copyable_v<T>);
  out.append(reinterpret_cast<const char*>(column.data()), column.size() * sizeof(T));
}

/// Takes columns off the rest of a buffer whose length was checked before.
class column_reader {
 public:
  explicit column_reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void read(std::vector<T>& column, size_t count) {
    column.resize(count);
    if (count > 0) std::memcpy(column.data(), bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
  }

  std::string_view take(size_t count) {
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view bytes_;
};

bool is_share(double coverage) {
  return coverage >= 0 && coverage <= 1;
}

bool all_below(const std::vector<uint32_t>& numbers, size_t end) {
  for (const auto number : numbers)
    if (number >= end) return false;
  return true;
}

}  // namespace

void row_columns::reserve(size_t rows) {
  for (auto* column : {&platform, &source, &tile, &layout, &nodes}) column->reserve(rows);
  geocode_bytes.reserve(rows);
  time.reserve(rows);
  pixel_coverage.reserve(rows);
  cloud_coverage.reserve(rows);
  chips.reserve(rows);
}

layout_head head_of_layout(std::string_view form) {
  packed_reader in{"layout", form};
  const auto chips = in.varint(defaults::max_subdatasets);
  const auto written = in.stamp();
  return in.ok() ? layout_head{static_cast<size_t>(chips), written} : layout_head{};
}

std::string pack(const row_columns& rows) {
  packed_writer head;
  head.u8(rows_version).u8(kind_images).varint(rows.texts.size());
  for (const auto& text : rows.texts) head.text(text);
  head.varint(rows.layouts.size());
  for (const auto& layout : rows.layouts) head.text(layout);
  head.varint(rows.node_sets.size());
  for (const auto& set : rows.node_sets) {
    head.varint(set.size());
    for (const auto node : set) head.varint(node);
  }
  head.varint(rows.size()).varint(rows.chips.size());
  std::string out;
  out.reserve(head.size() + rows.geocodes.size() + rows.size() * packed_row_bytes +
              rows.chips.size() * packed_chip_bytes);
  out += head.bytes();
  append_column(out, rows.geocode_bytes);
  out += rows.geocodes;
  for (const auto* column : {&rows.platform, &rows.source, &rows.tile, &rows.layout, &rows.nodes})
    append_column(out, *column);
  append_column(out, rows.time);
  append_column(out, rows.pixel_coverage);
  append_column(out, rows.cloud_coverage);
  append_column(out, rows.chips);
  return out;
}

result<row_columns> unpack_rows(std::string_view bytes) {
  packed_reader in{"image rows", bytes};
  in.expect_version(rows_version);
  in.expect(in.u8() == kind_images, "it holds another kind of rows");
  row_columns rows;
  rows.texts.resize(in.count(SIZE_MAX, 1));
  for (auto& text : rows.texts) text = in.text(defaults::max_row_text_bytes);
  rows.layouts.resize(in.count(SIZE_MAX, 1));
  for (auto& layout : rows.layouts) layout = in.text(bytes.size());
  rows.node_sets.resize(in.count(SIZE_MAX, 1));
  for (auto& set : rows.node_sets) {
    set.resize(in.count(defaults::max_members, 1));
    for (auto& node : set) {
      node = static_cast<uint32_t>(in.varint(UINT32_MAX));
      in.expect(node < rows.texts.size(), "a node is not in the table");
    }
  }
  const auto n = in.count(UINT32_MAX, packed_row_bytes);
  const auto m = in.count(UINT32_MAX, packed_chip_bytes);
  const auto fixed = n * packed_row_bytes + m * packed_chip_bytes;
  in.expect(fixed <= in.remaining(), "the columns are cut off");
  if (!in.ok()) return fail(in.finish().error());
  column_reader columns{bytes.substr(bytes.size() - in.remaining())};
  columns.read(rows.geocode_bytes, n);
  size_t geocodes = 0;
  for (const auto length : rows.geocode_bytes) geocodes += length;
  in.expect(fixed + geocodes == in.remaining(), "the columns have another length");
  if (!in.ok()) return fail(in.finish().error());
  rows.geocodes = columns.take(geocodes);
  for (auto* column : {&rows.platform, &rows.source, &rows.tile, &rows.layout, &rows.nodes})
    columns.read(*column, n);
  columns.read(rows.time, n);
  columns.read(rows.pixel_coverage, n);
  columns.read(rows.cloud_coverage, n);
  columns.read(rows.chips, m);

  for (const auto* column : {&rows.platform, &rows.source, &rows.tile})
    in.expect(all_below(*column, rows.texts.size()), "a text is not in the table");
  in.expect(all_below(rows.layout, rows.layouts.size()), "a layout is not in the table");
  in.expect(all_below(rows.nodes, rows.node_sets.size()), "a set of nodes is not in the table");
  for (const auto time : rows.time) in.expect(is_key_time(time), "a timestamp is out of range");
  for (const auto coverage : rows.pixel_coverage)
    in.expect(is_share(coverage), "a coverage is not a share");
  for (const auto& chip : rows.chips)
    in.expect(is_share(chip.pixel_coverage), "a coverage is not a share");
  for (const auto coverage : rows.cloud_coverage)
    in.expect(is_share(coverage) || coverage == -1, "a coverage is not a share");
  if (!in.ok()) return fail(in.finish().error());
  std::vector<size_t> chips_of(rows.layouts.size());
  for (size_t i = 0; i < chips_of.size(); ++i) chips_of[i] = head_of_layout(rows.layouts[i]).chips;
  uint64_t chips = 0;
  for (const auto layout : rows.layout) chips += chips_of[layout];
  in.expect(chips == m, "the layouts tell another number of chips");
  if (!in.ok()) return fail(in.finish().error());
  return rows;
}

}  // namespace stip
