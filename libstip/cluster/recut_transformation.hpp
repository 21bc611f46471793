#pragma once

#include <string>
#include <vector>

#include "libstip/cluster/transformation.hpp"

namespace stip {

/// The images of the newest one's scene, by geocode and source. Precondition: each row has a
/// subdataset.
result<std::vector<stored_image>> newest_scene(std::vector<image_row> rows,
                                               const image_source& images);

/// Cuts images into those of cells of longer geocodes. Its inputs are the images that are cut.
class split_transformation final : public transformation {
 public:
  /// Only cells within `bound`, if it is not empty.
  split_transformation(int precision, std::string bound)
      : precision_(static_cast<size_t>(precision)), bound_(std::move(bound)) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  const size_t precision_;
  const std::string bound_;
};

/// Puts images of cells of shorter geocodes together out of those of longer ones, for each scene.
/// Its inputs are the images that are made.
class merge_transformation final : public transformation {
 public:
  /// `match` is the task's filter.
  merge_transformation(int precision, const filter& match)
      : precision_(static_cast<size_t>(precision)), source_(match.source) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  /// The images of the cell that are to be merged: those of the newest one's scene.
  result<std::vector<stored_image>> parts_of(const image_key& input,
                                             const image_source& images) const;

  const size_t precision_;
  const std::optional<std::string> source_;
};

}  // namespace stip
