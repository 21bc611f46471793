#pragma once

#include <string>

#include "libstip/analysis/index_of_image.hpp"
#include "libstip/cluster/transformation.hpp"

namespace stip {

/// Indices of stored images, kept as derived images. Its inputs are the images of which they are
/// derived.
class index_transformation final : public transformation {
 public:
  /// `name` is that of the product: the index's, or what the user calls it.
  index_transformation(index_work work, index_type type, std::string name, filter match)
      : work_(std::move(work)), type_(type), name_(std::move(name)), match_(std::move(match)) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  /// The record of what is made of an image. Errors: those of resolve_bands and finest_grid.
  result<scene_description> describe(const stored_image& image) const;

  const index_work work_;
  const index_type type_;
  const std::string name_;
  const filter match_;
};

}  // namespace stip
