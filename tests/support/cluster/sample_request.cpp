#include "tests/support/cluster/sample_request.hpp"

#include <utility>

namespace stip::test {

store_request sample_request(std::string album, std::string glob, int precision) {
  store_request request;
  request.album = std::move(album);
  request.glob = std::move(glob);
  request.format = std::string{"auto"};
  request.precision = precision;
  request.threads = 2;
  return request;
}

}  // namespace stip::test
