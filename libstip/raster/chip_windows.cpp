#include "libstip/raster/chip_windows.hpp"

#include "libstip/geo/cell_window.hpp"

namespace stip {

result<chip_windows> chip_windows::make(const std::vector<grid>& grids,
                                        const std::vector<grid_nesting>& nesting, size_t subdataset,
                                        const cell_grid& cells) {
  STIP_ASSIGN(auto mapper, pixel_mapper::make(grids[subdataset], cells));
  const auto& nest = nesting[subdataset];
  chip_windows out(nest, cell_runs(std::move(mapper), cells));
  if (nest.base != subdataset) {
    STIP_ASSIGN(out.base_, pixel_mapper::make(grids[nest.base], cells));
  }
  return out;
}

pixel_window chip_windows::window_of(cell_index cell) {
  pixel_window window;
  if (base_) window = nest_.refine(stip::window_of(*base_, runs_.cells(), cell));
  if (window.empty()) window = nest_.round_out(runs_.window_of(cell));
  return window;
}

}  // namespace stip
