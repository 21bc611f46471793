#pragma once

#include <string>

#include "actors/messages.hpp"

namespace stip::test {

/// To store what a glob matches in an album: geohashes of `precision`, two threads.
store_request sample_request(std::string album, std::string glob, int precision = 6);

}  // namespace stip::test
