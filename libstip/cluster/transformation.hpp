#pragma once

#include <functional>
#include <string>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/cluster/image_making.hpp"
#include "libstip/cluster/load.hpp"

namespace stip {

/// The images of an album, wherever in the cluster they are. Everything blocks; any thread may ask.
struct image_source {
  /// Hands every image that matches to `look`, in the default order, until it says an error.
  /// Errors: that one; unavailable when not all nodes could be asked; stopped.
  std::function<result<void>(const filter& match,
                             const std::function<result<void>(image_row)>& look)>
      list;
  /// Errors: not_found, and those of a question.
  std::function<result<stored_image>(const image_key& key)> details;
  read_chip read;
};

/// One kind of task that makes something of stored images. Its inputs are keys of images: of those
/// that it takes or of those that it makes. Constant: threads share one.
class transformation {
 public:
  virtual ~transformation() = default;

  /// The key (to_string) of the input that an image which the task's filter takes belongs to;
  /// empty: it is none of the task's. Several images may belong to one input.
  virtual std::string input_of(const image_row& image) const = 0;

  /// Does what is to be done for one input, and brings what it makes to its owners; returns when
  /// all of it is durable. What is there already is not made again. Errors: why the input is
  /// skipped; stopped.
  virtual result<load_outcome> run(const image_key& input, const image_source& images,
                                   const load_request& request,
                                   const load_services& services) const = 0;
};

}  // namespace stip
