#include <string>

#include "libstip/format/naming.hpp"
#include "tests/fuzz/fuzz_target.hpp"

/// What the names of inputs say: NAIP, NLCD, gridMET and whatever else has its date there.
FUZZ_TARGET(names) {
  (void)stip::file_name(input);
  (void)stip::tile_of(input);
  (void)stip::date_in_name(input);
  (void)stip::parse_tiff_date(input);
  (void)stip::check_name("tile", input, "fuzz");
}
