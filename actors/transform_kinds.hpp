#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "libstip/catalog/album.hpp"
#include "libstip/cluster/transformation.hpp"

namespace stip {

/// Names of transform_request::options.
namespace transform_option {
/// split: only cells within this geocode.
inline constexpr std::string_view bound = "bound";
/// cloud: a name of cloud_method; the model's file, as nodes see it; anything: masks that are there
/// are made anew.
inline constexpr std::string_view method = "method";
inline constexpr std::string_view model = "model";
inline constexpr std::string_view force = "force";
/// fill, coalesce: seconds.
inline constexpr std::string_view window = "window";
/// fill, anything: keeps where each pixel is from.
inline constexpr std::string_view sources = "sources";
/// coalesce: of which images are made; anything: only the nearest scene.
inline constexpr std::string_view platform = "platform";
inline constexpr std::string_view nearest = "nearest";
/// align: pixels to each side of a cell; a name of resampling.
inline constexpr std::string_view size = "size";
inline constexpr std::string_view resampling = "resampling";
/// index: a name of known_indices() or an expression; a name of index_type; the product's name
/// where it is not the index's; anything: clouds are left in.
inline constexpr std::string_view expression = "expression";
inline constexpr std::string_view type = "type";
inline constexpr std::string_view name = "name";
inline constexpr std::string_view keep_clouds = "keep-clouds";
/// filter: its name; its radius, if it has one.
inline constexpr std::string_view filter = "filter";
inline constexpr std::string_view radius = "radius";
}  // namespace transform_option

/// A kind of task that makes something of stored images: one line of the table in
/// transform_kinds.cpp for each.
struct transform_kind {
  std::string_view name;
  /// It makes images of cells of the request's precision.
  bool has_precision = false;
  /// Its options, besides.
  std::span<const std::string_view> options;
  /// Everything of the options that can be wrong before an image is looked at. Does not block.
  result<void> (*check)(const transform_request& request, geocode_algorithm algorithm) = nullptr;
  /// Blocks: it may read files of the node. Precondition: `check` has passed.
  result<std::unique_ptr<transformation>> (*make)(const transform_request& request,
                                                  const album& target,
                                                  const node_settings& settings) = nullptr;
};

/// The kind of that name. Errors: invalid_argument, which lists those that there are.
result<const transform_kind*> find_transform_kind(std::string_view name);

/// Everything of a request that can be wrong before an image is looked at. Errors:
/// invalid_argument.
result<void> check(const transform_request& request, geocode_algorithm algorithm);

/// The value of an option; empty if it is not given.
std::string option_of(const transform_request& request, std::string_view name);

}  // namespace stip
