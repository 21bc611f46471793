#include <string>

#include "libstip/format/eos5_structure.hpp"
#include "libstip/format/eos_identity.hpp"
#include "libstip/format/odl.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

/// Values of all depths, as metadata by name.
void gather(const stip::odl_node& node, stip::eos_metadata& out) {
  for (const auto& [name, values] : node.values)
    if (!values.empty()) out.emplace(name, values.front());
  for (const auto& child : node.children) gather(child, out);
}

}  // namespace

/// Structure and identity of HDF-EOS files: MODIS and VIIRS.
FUZZ_TARGET(eos) {
  const auto root = stip::parse_odl(input);
  if (!root) return;
  (void)stip::read_eos5_structure(*root, "fuzz");
  stip::eos_metadata metadata;
  gather(*root, metadata);
  const auto identity = stip::identify_eos(metadata, root->value("LOCALGRANULEID"));
  stip::scene_description description;
  (void)stip::describe_eos(identity, "fuzz", {}, description);
}
