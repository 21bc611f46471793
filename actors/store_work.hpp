#pragma once

#include <string>
#include <string_view>

#include "actors/messages.hpp"

namespace stip {

/// What a node needs to go on with a part of a store task: `task_part::work`.
struct store_work {
  /// The album of that name may be another one by then.
  hash128 album_uid;
  store_request request;
};

std::string encode(const store_work& work);
/// Errors: malformed.
result<store_work> decode_store_work(std::string_view bytes);

}  // namespace stip
