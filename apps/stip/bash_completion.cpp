#include "apps/stip/bash_completion.hpp"

#include <ostream>

#include "apps/stip/human.hpp"
#include "apps/stip/node_names.hpp"
#include "apps/stip/parse.hpp"

namespace stip::cli {

namespace {

/// The way to the node that the line names, as far as it is typed.
settings settings_of(
    const std::string& line,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  auto typed = scan_line(line);
  if (!typed.words.empty() && typed.inside) typed.words.pop_back();
  if (!typed.words.empty()) typed.words.erase(typed.words.begin());
  if (auto whole = parse_command_line(typed.words, environment)) return whole->global;
  // An option that is being typed, or a wrong one.
  if (auto usual = parse_command_line({}, environment)) return usual->global;
  return {};
}

}  // namespace

void print_completion(
    const std::string& line,
    const std::function<std::optional<std::string>(const std::string&)>& environment,
    std::ostream& to) {
  session way{settings_of(line, environment)};
  node_names names{way};
  const auto found = complete(line, typed_in::command_line, names);
  if (found.files) {
    to << "files\n" << std::flush;
    return;
  }
  to << (found.open ? "open\n" : "words\n");
  for (const auto& word : found.words)
    if (printable(word) == word) to << word << "\n";
  to << std::flush;
}

}  // namespace stip::cli
