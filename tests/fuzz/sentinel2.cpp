#include <string>

#include "libstip/format/sentinel2_metadata.hpp"
#include "tests/fuzz/fuzz_target.hpp"

FUZZ_TARGET(sentinel2) {
  const std::string text{input};
  stip::sentinel2::metadata out;
  if (stip::sentinel2::document_of(input) != stip::sentinel2::document::none || input.empty())
    (void)stip::sentinel2::read_xml(text, "fuzz", out);
  else
    (void)stip::sentinel2::read_json(text, "fuzz", out);
  stip::sentinel2::read_name(input, out);
  for (size_t band = 0; band < stip::sentinel2::band_ids; ++band)
    (void)stip::sentinel2::offset_of(out, band);
}
