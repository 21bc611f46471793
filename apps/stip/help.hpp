#pragma once

#include <string>

#include "apps/stip/parse.hpp"

namespace stip::cli {

/// What stip, a noun or a verb is for, with its options and an example; made from the tables.
std::string explain(const invocation& call);

}  // namespace stip::cli
