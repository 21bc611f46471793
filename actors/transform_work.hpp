#pragma once

#include <string>
#include <string_view>

#include "actors/messages.hpp"

namespace stip {

/// What a node needs to go on with a part of a task that derives images: `task_part::work`.
struct transform_work {
  /// The album of that name may be another one by then.
  hash128 album_uid;
  transform_request request;
};

std::string encode(const transform_work& work);
/// Errors: malformed.
result<transform_work> decode_transform_work(std::string_view bytes);

}  // namespace stip
