#include <atomic>
#include <caf/all.hpp>

#include "actors/client.hpp"
#include "actors/index_answers.hpp"
#include "actors/question.hpp"
#include "libstip/core/parallel.hpp"

namespace stip {

namespace {

/// Images that are measured at the same time for one client.
constexpr size_t measures_in_flight = 8;

}  // namespace

result<index_statistics> client::measure(const measure_request& request) const {
  const auto what = "measure image " + request.key;
  STIP_ASSIGN(const auto answer,
              (question<measured_index>{system_, handles_.query, within(cluster_measure_deadline),
                                        what, atom::measure_v, request}
                   .wait()));
  return decode_index_statistics(answer.numbers);
}

std::vector<result<index_statistics>> client::measure_all(
    const measure_request& request, const std::vector<image_row>& images,
    const std::function<bool()>& go_on) const {
  std::vector<result<index_statistics>> out(
      images.size(), fail(ec::stopped, "measure images", "the command was interrupted"));
  std::atomic<size_t> next{0};
  const auto work = [&](size_t) {
    for (size_t i = next++; i < images.size() && go_on(); i = next++) {
      auto one = request;
      one.key = to_string(images[i].key);
      out[i] = measure(one);
    }
  };
  in_parallel(std::min(measures_in_flight, images.size()), work);
  return out;
}

}  // namespace stip
