#include "libstip/analysis/index_statistics.hpp"

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {
constexpr uint8_t statistics_form = 1;
}  // namespace

result<index_statistics> measure_index_of(const stored_image& image, const index_work& work,
                                          geocode_algorithm algorithm, const read_chip& read) {
  STIP_ASSIGN(const auto found, compute_index_of(image, work, algorithm, read));
  return index_statistics{measure_pixels(found.plane.values, found.own), found.clouds};
}

std::set<std::pair<size_t, size_t>> planes_of_index(const stored_image& image,
                                                    const index_work& work) {
  std::set<std::pair<size_t, size_t>> out;
  if (const auto places = resolve_bands(image.scene, work.index.math.bands()))
    for (const auto& place : *places) out.emplace(place.subdataset, place.band);
  if (!work.keep_clouds) {
    if (image.mask() != nullptr)
      out.emplace(image.chips.size() - 1, 0);
    else if (const auto quality = find_quality(image.scene))
      for (const auto& place : quality->bands) out.emplace(place.subdataset, place.band);
  }
  auto alphas = out;
  for (const auto& [chip, band] : out)
    if (const auto& part = image.subdataset(chip); part.valid == validity::alpha)
      alphas.emplace(chip, part.bands.size() - 1);
  return alphas;
}

std::string encode(const index_statistics& statistics) {
  const auto& n = statistics.numbers;
  packed_writer out;
  out.u8(statistics_form).text(statistics.clouds).varint(n.count).varint(n.pixels);
  out.f64(n.mean).f64(n.standard_deviation).f64(n.least).f64(n.most);
  for (const auto value : n.percentiles) out.f64(value);
  return out.take();
}

result<index_statistics> decode_index_statistics(std::string_view bytes) {
  packed_reader in{"statistics of an index", bytes};
  in.expect_version(statistics_form);
  index_statistics out;
  auto& n = out.numbers;
  out.clouds = in.text(defaults::max_name_bytes);
  n.count = in.varint();
  n.pixels = in.varint();
  in.expect(n.count <= n.pixels, "more pixels count than there are");
  n.mean = in.f64();
  n.standard_deviation = in.f64();
  n.least = in.f64();
  n.most = in.f64();
  for (auto& value : n.percentiles) value = in.f64();
  STIP_TRY(in.finish());
  return out;
}

}  // namespace stip
