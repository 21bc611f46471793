#include "libstip/catalog/row_layout.hpp"

#include "libstip/core/packed.hpp"

namespace stip {

void chip_columns::reserve(size_t chips) {
  width.reserve(chips);
  height.reserve(chips);
  pixel_coverage.reserve(chips);
  bytes.reserve(chips);
  content.reserve(chips);
}

void chip_columns::push_back(const listed_chip& chip) {
  width.push_back(chip.width);
  height.push_back(chip.height);
  pixel_coverage.push_back(chip.pixel_coverage);
  bytes.push_back(chip.bytes);
  content.push_back(chip.content);
}

void chip_columns::append(const chip_columns& from, size_t first, size_t count) {
  // Mostly one or two: a call of insert for each column costs more than the elements.
  for (size_t i = first; i < first + count; ++i) push_back(from[i]);
}

row_layout_ptr row_layout::make(const std::map<std::string, std::string>& properties,
                                std::span<const subdataset> subdatasets) {
  packed_writer out;
  out.varint(subdatasets.size()).varint(properties.size());
  for (const auto& [name, value] : properties) out.text(name).text(value);
  auto layout = std::make_shared<row_layout>();
  for (const auto& s : subdatasets) {
    out.text(s.id).u8(static_cast<uint8_t>(s.type)).hash(s.scene).varint(s.bands.size());
    for (const auto& band : s.bands) out.text(band);
    layout->quality_.push_back(s.quality ? 1 : 0);
  }
  layout->form_ = out.take();
  layout->form_.shrink_to_fit();
  return layout;
}

}  // namespace stip
