#include "libstip/catalog/row_layout.hpp"

#include "libstip/core/packed.hpp"

namespace stip {

row_layout_ptr row_layout::make(const std::map<std::string, std::string>& properties,
                                std::span<const subdataset> subdatasets, const version& written) {
  packed_writer out;
  out.varint(subdatasets.size()).stamp(written).varint(properties.size());
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
