#include "actors/transform_kinds.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "libstip/analysis/align_transformation.hpp"
#include "libstip/analysis/cloud_transformation.hpp"
#include "libstip/analysis/derived_scene.hpp"
#include "libstip/analysis/filter_transformation.hpp"
#include "libstip/analysis/index_transformation.hpp"
#include "libstip/cluster/coalesce_transformation.hpp"
#include "libstip/cluster/fill_transformation.hpp"
#include "libstip/cluster/recut_transformation.hpp"
#include "libstip/format/inputs.hpp"
#include "libstip/raster/align.hpp"

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

/// An option as a whole number of at least `least`; `absent` where it is not given.
result<int64_t> number_of(const transform_request& request, std::string_view name, int64_t absent,
                          int64_t least, std::string advice) {
  const auto text = option_of(request, name);
  if (text.empty()) return absent;
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number < least)
    return refuse(request, "'" + text + "' is no " + std::string(name), std::move(advice));
  return number;
}

/// A day, as users of the earlier system know it.
constexpr int64_t default_window_seconds = 86'400;

result<int64_t> window_of(const transform_request& request) {
  return number_of(request, transform_option::window, default_window_seconds, 0,
                   "give seconds, e.g. -w 86400 for a day");
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

// -- align --------------------------------------------------------------------

result<int> edge_of(const transform_request& request) {
  STIP_ASSIGN(const auto edge, number_of(request, transform_option::size, 0, 1, "e.g. --size 256"));
  if (edge < 1 || edge > max_aligned_edge)
    return refuse(request, "a size of 1 to " + std::to_string(max_aligned_edge) + " is needed",
                  "e.g. --size 256");
  return static_cast<int>(edge);
}

result<resampling> kernel_of(const transform_request& request) {
  const auto name = option_of(request, transform_option::resampling);
  return name.empty() ? resampling::bilinear : parse_resampling(name);
}

result<void> check_align(const transform_request& request, geocode_algorithm) {
  STIP_TRY(edge_of(request));
  STIP_TRY(kernel_of(request));
  return {};
}

made make_align(const transform_request& request, const album&, const node_settings&) {
  STIP_ASSIGN(const auto edge, edge_of(request));
  STIP_ASSIGN(const auto kernel, kernel_of(request));
  return std::make_unique<align_transformation>(edge, kernel, request.match);
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
  return std::make_unique<cloud_transformation>(std::move(work), request.match);
}

// -- index --------------------------------------------------------------------

/// The name of the product, and what it is.
struct wanted_index {
  index_work work;
  index_type type;
  std::string name;
};

result<wanted_index> index_of(const transform_request& request) {
  STIP_ASSIGN(auto index, define_index(option_of(request, transform_option::expression)));
  const auto type = option_of(request, transform_option::type);
  STIP_ASSIGN(const auto chosen, parse_index_type(type.empty() ? "float" : type));
  auto name = option_of(request, transform_option::name);
  if (!name.empty()) STIP_TRY(check_product_name(name));
  if (name.empty()) name = index.derived_name();
  const bool keep = !option_of(request, transform_option::keep_clouds).empty();
  return wanted_index{{std::move(index), keep}, chosen, std::move(name)};
}

result<void> check_index(const transform_request& request, geocode_algorithm) {
  return index_of(request).map([](const auto&) {});
}

made make_index(const transform_request& request, const album&, const node_settings&) {
  STIP_ASSIGN(auto wanted, index_of(request));
  return std::make_unique<index_transformation>(std::move(wanted.work), wanted.type,
                                                std::move(wanted.name), request.match);
}

// -- filter -------------------------------------------------------------------

result<image_filter> filter_of(const transform_request& request) {
  std::optional<int64_t> radius;
  if (!option_of(request, transform_option::radius).empty()) {
    // What a filter takes is checked with its name.
    constexpr auto any = std::numeric_limits<int64_t>::min();
    STIP_ASSIGN(radius, number_of(request, transform_option::radius, 0, any, "give whole pixels"));
  }
  return parse_image_filter(option_of(request, transform_option::filter), radius);
}

result<void> check_filter(const transform_request& request, geocode_algorithm) {
  return filter_of(request).map([](const auto&) {});
}

made make_filter(const transform_request& request, const album&, const node_settings&) {
  STIP_ASSIGN(const auto wanted, filter_of(request));
  return std::make_unique<filter_transformation>(wanted, request.match);
}

// -- the table ----------------------------------------------------------------

constexpr std::array split_options{transform_option::bound};
constexpr std::array fill_options{transform_option::window, transform_option::sources};
constexpr std::array coalesce_options{transform_option::platform, transform_option::window,
                                      transform_option::nearest};
constexpr std::array align_options{transform_option::size, transform_option::resampling};
constexpr std::array cloud_options{transform_option::method, transform_option::model,
                                   transform_option::force};
constexpr std::array index_options{transform_option::expression, transform_option::type,
                                   transform_option::name, transform_option::keep_clouds};
constexpr std::array filter_options{transform_option::filter, transform_option::radius};

constexpr std::array kinds{
    transform_kind{"split", true, split_options, check_split, make_split},
    transform_kind{"merge", true, {}, nullptr, make_merge},
    transform_kind{"fill", false, fill_options, check_fill, make_fill},
    transform_kind{"coalesce", false, coalesce_options, check_coalesce, make_coalesce},
    transform_kind{"align", false, align_options, check_align, make_align},
    transform_kind{"cloud", false, cloud_options, check_cloud, make_cloud},
    transform_kind{"index", false, index_options, check_index, make_index},
    transform_kind{"filter", false, filter_options, check_filter, make_filter},
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
