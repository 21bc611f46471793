#include "apps/stip/help.hpp"

#include <algorithm>

#include "apps/stip/human.hpp"
#include "apps/stip/settings.hpp"

namespace stip::cli {

namespace {

/// Two columns, the left one as wide as its widest entry.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    auto line = joined({"  ", left, std::string(width - left.size() + 2, ' '), right});
    while (line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string option_text(const option& o) {
  const auto short_form =
      o.short_name == '\0' ? std::string(4, ' ') : joined({"-", {&o.short_name, 1}, ", "});
  return joined({short_form, "--", o.name, o.value.empty() ? "" : " ", o.value});
}

std::string list_options(const std::vector<option>& options) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& o : options)
    rows.emplace_back(option_text(o),
                      std::string{o.help} + (o.is == availability::not_yet ? " (not yet)" : ""));
  return two_columns(rows);
}

std::string summary_of(const verb& v) {
  return std::string{v.summary} + (v.run == nullptr ? " (not yet)" : "");
}

std::string example(std::string_view text) {
  return joined({"\nExample:\n  ", text, "\n"});
}

std::string usage_of(const noun& n, const verb& v) {
  auto out = joined({"stip ", n.name, v.name.empty() ? "" : " ", v.name});
  for (const auto& a : v.takes) {
    const bool may_lack = a.count == argument::times::at_most_once;
    const bool repeats = a.count == argument::times::at_least_once;
    out += joined({may_lack ? " [" : " ", a.name, may_lack ? "]" : "", repeats ? "..." : ""});
  }
  if (v.filtered) out += " [filter]";
  return out + " [options]";
}

std::string explain_all() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& n : nouns()) rows.emplace_back(n.name, n.summary);
  return "stip keeps satellite images on a cluster and finds them by space and time.\n\n"
         "  stip [global options] NOUN VERB [arguments] [options]\n\nNouns:\n" +
         two_columns(rows) + "\nGlobal options, before the noun:\n" +
         list_options(global_options()) +
         "\nEach can also be set in the environment: STIP_PORT=15607, STIP_EMBEDDED=DIR, ...\n"
         "`stip NOUN` and `stip NOUN VERB -h` explain more.\n\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no node reachable, 4 incomplete "
         "answer.\n" +
         example("stip --format json image list olinda -g 7nkh -r");
}

std::string explain_noun(const noun& n) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& v : n.verbs) rows.emplace_back(v.name, summary_of(v));
  return joined({"stip ", n.name, ": ", n.summary, "\n\nVerbs:\n", two_columns(rows), "\n`stip ",
                 n.name, " VERB -h` explains each.\n", example(n.example)});
}

std::string explain_verb(const noun& n, const verb& v) {
  auto out = joined({usage_of(n, v), "\n\n  ", summary_of(v), "\n"});
  if (!v.takes.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& a : v.takes) rows.emplace_back(a.name, a.help);
    out += "\nArguments:\n" + two_columns(rows);
  }
  return out + "\nOptions:\n" + list_options(all_options(v)) + example(v.example);
}

}  // namespace

std::string explain(const invocation& call) {
  if (call.of == nullptr) return explain_all();
  if (call.what == nullptr) return explain_noun(*call.of);
  return explain_verb(*call.of, *call.what);
}

}  // namespace stip::cli
