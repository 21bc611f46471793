#pragma once

#include <string>

#include "libstip/analysis/image_filter.hpp"
#include "libstip/cluster/transformation.hpp"

namespace stip {

/// Filtered images, kept as derived ones. Its inputs are the images of which they are derived.
class filter_transformation final : public transformation {
 public:
  filter_transformation(image_filter what, filter match)
      : filter_(what), match_(std::move(match)) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  const image_filter filter_;
  const filter match_;
};

}  // namespace stip
