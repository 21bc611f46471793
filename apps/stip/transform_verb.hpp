#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "actors/transform_kinds.hpp"
#include "apps/stip/task_options.hpp"

// What the commands have in common that make something of stored images.

namespace stip::cli {

/// A verb of `stip image` that takes an album, a filter, and the options of a task.
verb transform_verb(std::string_view name, std::string_view summary, std::string_view example);

/// Reads album, filter and the options of a task into a request of that kind. Errors:
/// invalid_argument.
result<transform_request> wanted_transform(const arguments& given, std::string_view kind);

/// Takes those options of the command that were given, which the request calls alike: `values` have
/// one, `flags` become "yes".
void take_options(const arguments& given, std::initializer_list<std::string_view> values,
                  std::initializer_list<std::string_view> flags, transform_request& to);

/// Checks the request, begins the task, and follows it or leaves it; the exit status.
result<int> run_transform(context& with, const arguments& given, const transform_request& wanted);

}  // namespace stip::cli
