#include <string>

#include "libstip/format/landsat_metadata.hpp"
#include "tests/fuzz/fuzz_target.hpp"

FUZZ_TARGET(landsat) {
  (void)stip::landsat::mtl::recognise(input);
  if (const auto parsed = stip::landsat::mtl::parse(std::string{input}, "fuzz"))
    for (const auto& item : parsed->items()) (void)parsed->number({item.group}, item.key);
  (void)stip::landsat::read_product_id(input);
}
