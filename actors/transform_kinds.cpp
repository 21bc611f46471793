#include "actors/transform_kinds.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "libstip/analysis/cloud_transformation.hpp"
#include "libstip/cluster/coalesce_transformation.hpp"
#include "libstip/cluster/fill_transformation.hpp"
#include "libstip/cluster/recut_transformation.hpp"
#include "libstip/format/inputs.hpp"

namespace stip {

namespace {

using made = result<std::unique_ptr<transformation>>;

tl::unexpected<error> refuse(const transform_request& request, std::string why,
                             std::string advice = {}) {
  return fail(ec::invalid_argument, "image " + request.kind, std::move(why), std::move(advice));
}

// -- split, merge -------------------------------------------------------------

result<void> check_split(const transform_request& request, geocode_algorithm algorithm) {
  const auto bound = option_of(request, transform_option::bound);
  return bound.empty() ? result<void>{} : check_geocode(algorithm, bound);
}

made make_split(const transform_request& request, const album&, const node_settings&) {
  return std::make_unique<split_transformation>(request.precision,
                                                option_of(request, transform_option::bound));
}

made make_merge(const transform_request& request, const album&, const node_settings&) {
  return std::make_unique<merge_transformation>(request.precision, request.match);
}

// -- fill, coalesce -----------------------------------------------------------

/// A day, as users of the earlier system know it.
constexpr int64_t default_window_seconds = 86'400;

result<int64_t> window_of(const transform_request& request) {
  const auto text = option_of(request, transform_option::window);
  if (text.empty()) return default_window_seconds;
  int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc{} || end != text.data() + text.size() || seconds < 0)
    return refuse(request, "'" + text + "' are no seconds", "e.g. -w 86400 for a day");
  return seconds;
}

result<void> check_fill(const transform_request& request, geocode_algorithm) {
  STIP_TRY(window_of(request));
  return {};
}

made make_fill(const transform_request& request, const album&, const node_settings&) {
  fill_transformation::options o;
  o.match = request.match;
  STIP_ASSIGN(o.window, window_of(request));
  o.keep_sources = !option_of(request, transform_option::sources).empty();
  return std::make_unique<fill_transformation>(std::move(o));
}

result<void> check_coalesce(const transform_request& request, geocode_algorithm) {
  STIP_TRY(window_of(request));
  return check_name("platform", option_of(request, transform_option::platform));
}

made make_coalesce(const transform_request& request, const album&, const node_settings&) {
  coalesce_transformation::options o;
  o.platform = option_of(request, transform_option::platform);
  STIP_ASSIGN(o.window, window_of(request));
  o.nearest = !option_of(request, transform_option::nearest).empty();
  return std::make_unique<coalesce_transformation>(std::move(o));
}

// -- cloud --------------------------------------------------------------------

result<void> check_cloud(const transform_request& request, geocode_algorithm) {
  STIP_ASSIGN(const auto method, parse_cloud_method(option_of(request, transform_option::method)));
  const auto model = option_of(request, transform_option::model);
  if ((method == cloud_method::model) == model.empty())
    return refuse(request, "the method model, and no other, needs a file",
                  "e.g. --method model /data/s2cloudless.txt");
  return {};
}

made make_cloud(const transform_request& request, const album&, const node_settings& settings) {
  cloud_work work;
  STIP_ASSIGN(work.method, parse_cloud_method(option_of(request, transform_option::method)));
  work.force = !option_of(request, transform_option::force).empty();
  const auto model = option_of(request, transform_option::model);
  if (!model.empty()) {
    STIP_TRY(check_input(model, settings.input_roots));
    STIP_TRY(work.read_model(model));
  }
  return std::make_unique<cloud_transformation>(std::move(work));
}

// -- the table ----------------------------------------------------------------

constexpr std::array split_options{transform_option::bound};
constexpr std::array fill_options{transform_option::window, transform_option::sources};
constexpr std::array coalesce_options{transform_option::platform, transform_option::window,
                                      transform_option::nearest};
constexpr std::array cloud_options{transform_option::method, transform_option::model,
                                   transform_option::force};

constexpr std::array kinds{
    transform_kind{"split", true, split_options, check_split, make_split},
    transform_kind{"merge", true, {}, nullptr, make_merge},
    transform_kind{"fill", false, fill_options, check_fill, make_fill},
    transform_kind{"coalesce", false, coalesce_options, check_coalesce, make_coalesce},
    transform_kind{"cloud", false, cloud_options, check_cloud, make_cloud},
};

}  // namespace

result<const transform_kind*> find_transform_kind(std::string_view name) {
  const auto found = std::ranges::find(kinds, name, &transform_kind::name);
  if (found != kinds.end()) return &*found;
  std::string known;
  for (const auto& kind : kinds) known.append(known.empty() ? "" : ", ").append(kind.name);
  return fail(ec::invalid_argument, std::string(name) + " images",
              "there is no such transformation", "one of " + known);
}

result<void> check(const transform_request& request, geocode_algorithm algorithm) {
  STIP_ASSIGN(const auto* kind, find_transform_kind(request.kind));
  if (kind->has_precision) STIP_TRY(check_precision(algorithm, request.precision));
  STIP_TRY(check(request.match, algorithm));
  for (const auto& [name, value] : request.options)
    if (std::ranges::find(kind->options, name) == kind->options.end())
      return refuse(request, "it has no option " + name);
  return kind->check ? kind->check(request, algorithm) : result<void>{};
}

std::string option_of(const transform_request& request, std::string_view name) {
  const auto found = request.options.find(std::string(name));
  return found == request.options.end() ? std::string{} : found->second;
}

}  // namespace stip
