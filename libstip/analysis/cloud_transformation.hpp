#pragma once

#include <optional>
#include <string>

#include "libstip/analysis/cloud_source.hpp"
#include "libstip/analysis/probability_mask.hpp"
#include "libstip/analysis/tree_model.hpp"
#include "libstip/cluster/transformation.hpp"

// Cloud coverage of stored images: the mask becomes a subdataset of the image, its shares become
// facts of it.

namespace stip {

/// How the clouds of images are to be found.
struct cloud_work {
  cloud_method method = cloud_method::automatic;
  /// Also where a mask of that method is there already.
  bool force = false;
  /// Of cloud_method::model.
  std::optional<tree_model> model;
  std::string model_name;
  hash128 model_checksum;
  probability_options probability;

  /// Reads the model from a file of this machine. Errors: not_found, io_error, limit_exceeded, and
  /// those of tree_model::parse.
  result<void> read_model(const std::string& file);
};

/// Finds the clouds of one image and brings the mask to the image's owners, unless the image has
/// one: of any method for cloud_method::automatic, else of the same method and model. Errors: those
/// of find_clouds, of reading, and of a node that refused the mask.
result<load_outcome> find_image_clouds(const stored_image& image, const cloud_work& work,
                                       const read_chip& read, const load_request& request,
                                       const load_services& services);

/// Its inputs are the images that is_derived_of takes.
class cloud_transformation final : public transformation {
 public:
  /// `match` is the task's filter.
  cloud_transformation(cloud_work work, filter match)
      : work_(std::move(work)), match_(std::move(match)) {}

  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  const cloud_work work_;
  const filter match_;
};

}  // namespace stip
