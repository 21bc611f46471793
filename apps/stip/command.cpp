#include "apps/stip/command.hpp"

#include <algorithm>
#include <charconv>

#include "libstip/catalog/filter_options.hpp"

namespace stip::cli {

namespace {

bool is_of_filter(std::string_view name) {
  for (const auto& known : filter_options())
    if (known.name == name) return true;
  return false;
}

std::map<std::string, std::string> filter_values(const arguments& given) {
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : given.options)
    if (is_of_filter(name)) values[name] = value;
  return values;
}

}  // namespace

std::string arguments::text(const std::string& name, std::string absent) const {
  const auto found = options.find(name);
  return found == options.end() ? std::move(absent) : found->second;
}

result<int64_t> arguments::number(const std::string& name, int64_t absent, int64_t least,
                                  int64_t most) const {
  const auto found = options.find(name);
  if (found == options.end()) return absent;
  const auto& value = found->second;
  int64_t number = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, number);
  if (code != std::errc{} || stop != end || number < least || number > most)
    return fail(
        ec::invalid_argument, "--" + name + " " + value,
        "it is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

result<stip::filter> arguments::filter() const {
  return parse_filter(filter_values(*this));
}

result<sort_field> arguments::order() const {
  return parse_order(filter_values(*this));
}

size_t words_of(const option& o, std::string_view first) {
  auto rest = o.value;
  while (!rest.empty()) {
    const auto alternative = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(rest.size(), alternative.size() + 1));
    const auto head = alternative.substr(0, alternative.find(' '));
    const bool literal = !head.empty() && head.front() >= 'a' && head.front() <= 'z';
    if (!literal || head == first)
      return 1 + static_cast<size_t>(std::count(alternative.begin(), alternative.end(), ' '));
  }
  return 1;
}

const verb* noun::find(std::string_view verb_name) const {
  for (const auto& v : verbs)
    if (v.name == verb_name) return &v;
  return nullptr;
}

const std::vector<noun>& nouns() {
  static const std::vector<noun> all = {node_noun(), album_noun(), image_noun(), task_noun(),
                                        shell_noun()};
  return all;
}

const noun* find_noun(std::string_view name) {
  for (const auto& n : nouns())
    if (n.name == name) return &n;
  return nullptr;
}

std::vector<option> all_options(const verb& v) {
  auto out = v.options;
  if (v.filtered)
    for (const auto& known : filter_options())
      out.push_back({known.name, known.short_name, known.takes_value ? "VALUE" : "", known.help});
  out.push_back({"help", 'h', "", "explain the command"});
  return out;
}

error not_yet(std::string what) {
  return {ec::unsupported, std::move(what), "not yet: this release of stip cannot do it",
          "see CHANGELOG.md for what is there"};
}

}  // namespace stip::cli
