#include "apps/stip/parse.hpp"

#include <boost/program_options.hpp>

namespace stip::cli {

namespace {

namespace po = boost::program_options;

constexpr auto style = (po::command_line_style::unix_style | po::command_line_style::allow_long) &
                       ~po::command_line_style::allow_guessing;

/// The name that parsed words stand under; no option is called so.
constexpr auto words_name = "";

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string nouns_there_are() {
  std::vector<std::string> names;
  for (const auto& n : nouns()) names.emplace_back(n.name);
  return list_of(names);
}

std::string verbs_there_are(const noun& n) {
  std::vector<std::string> names;
  for (const auto& v : n.verbs) names.emplace_back(v.name);
  return list_of(names);
}

bool asks_for_help(const std::string& word) {
  return word == "-h" || word == "--help";
}

std::string command_name(const noun& n, const verb& v) {
  return std::string{n.name} + (v.name.empty() ? "" : " ") + std::string{v.name};
}

tl::unexpected<error> usage(std::string what, std::string why, const std::string& help) {
  return fail(ec::invalid_argument, std::move(what), std::move(why), "see `stip " + help + " -h`");
}

/// Are there as many words as the command takes?
result<void> check_words(const noun& n, const verb& v, const arguments& given) {
  using times = argument::times;
  const auto name = command_name(n, v);
  size_t least = 0, most = 0;
  for (const auto& a : v.takes) {
    if (a.count != times::at_most_once && given.words.size() <= least)
      return usage(name, std::string{a.name} + " is missing", name);
    least += a.count == times::at_most_once ? 0 : 1;
    most = a.count == times::at_least_once ? SIZE_MAX : most + 1;
  }
  if (given.words.size() > most)
    return usage(name, "'" + given.words[most] + "' is one word too many", name);
  return {};
}

/// Values of several words as one, with a blank between them: `--corners A B` as `--corners=A B`.
std::vector<std::string> join_values(const std::vector<option>& known,
                                     const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (size_t i = 0; i < words.size(); ++i) {
    out.push_back(words[i]);
    if (words[i] == "--") {
      out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (!words[i].starts_with("--")) continue;
    const auto equals = words[i].find('=');
    const auto name = std::string_view{words[i]}.substr(
        2, equals == std::string::npos ? std::string::npos : equals - 2);
    for (const auto& o : known) {
      if (o.name != name || o.value.find(' ') == std::string_view::npos) continue;
      const bool apart = equals == std::string::npos;
      if (apart && i + 1 == words.size()) break;
      const auto first = apart ? words[i + 1] : words[i].substr(equals + 1);
      auto more = words_of(o, first) - 1 + (apart ? 1 : 0);
      // A value that stands in one word already, as a shell's quotes make it.
      if (first.find(' ') != std::string::npos) more = apart ? 1 : 0;
      if (apart) out.back() += '=';
      for (bool begins = apart; more > 0 && i + 1 < words.size(); --more, begins = false) {
        // No value begins so: the next option does, and a word is missing.
        if (!begins && words[i + 1].starts_with("--")) break;
        out.back() += (begins ? "" : " ") + words[++i];
      }
    }
  }
  return out;
}

}  // namespace

result<arguments> parse_options(const std::vector<option>& known,
                                const std::vector<std::string>& words, const std::string& what) {
  try {
    po::options_description options;
    for (const auto& o : known) {
      auto names = std::string{o.name};
      if (o.short_name != '\0') names += std::string{","} + o.short_name;
      if (o.value.empty())
        options.add_options()(names.c_str(), "");
      else
        options.add_options()(names.c_str(), po::value<std::string>(), "");
    }
    const auto parsed =
        po::command_line_parser(join_values(known, words)).options(options).style(style).run();
    arguments out;
    for (const auto& o : parsed.options) {
      if (o.position_key >= 0 || o.string_key == words_name) {
        out.words.insert(out.words.end(), o.value.begin(), o.value.end());
        continue;
      }
      const auto value = o.value.empty() ? std::string{} : o.value.front();
      if (!out.options.emplace(o.string_key, value).second)
        return usage(what, "--" + o.string_key + " is given twice", what);
    }
    for (const auto& o : known)
      if (o.is == availability::not_yet && out.has(std::string{o.name}))
        return fail(not_yet("stip " + what + " --" + std::string{o.name}));
    return out;
  } catch (const po::error& err) {
    return usage(what, err.what(), what);
  }
}

size_t leading_options(const std::vector<option>& known, const std::vector<std::string>& words) {
  const auto takes_value = [&](auto same) {
    for (const auto& o : known)
      if (same(o)) return !o.value.empty();
    return false;
  };
  size_t i = 0;
  while (i < words.size()) {
    const auto& word = words[i];
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    ++i;
    if (word[1] == '-') {
      const auto name = std::string_view{word}.substr(2);
      if (takes_value([&](const option& o) { return o.name == name; })) ++i;
      continue;
    }
    // Flags may stand together; the first letter with a value takes what follows it.
    for (size_t k = 1; k < word.size(); ++k) {
      if (!takes_value([&](const option& o) { return o.short_name == word[k]; })) continue;
      if (k + 1 == word.size()) ++i;
      break;
    }
  }
  return std::min(i, words.size());
}

result<invocation> parse_command(const std::vector<std::string>& words) {
  invocation out;
  if (words.empty() || asks_for_help(words[0])) return out;
  out.of = find_noun(words[0]);
  if (out.of == nullptr)
    return fail(ec::invalid_argument, "stip " + words[0], "there is no such noun",
                "the nouns are " + nouns_there_are() + "; see `stip -h`");
  size_t next = 1;
  if (out.of->stands_alone()) {
    out.what = &out.of->verbs.front();
  } else {
    if (words.size() == 1 || asks_for_help(words[1])) return out;
    out.what = out.of->find(words[1]);
    if (out.what == nullptr)
      return fail(ec::invalid_argument, "stip " + words[0] + " " + words[1],
                  "there is no such verb",
                  "the verbs are " + verbs_there_are(*out.of) + "; see `stip " + words[0] + " -h`");
    next = 2;
  }
  const std::vector<std::string> rest{words.begin() + static_cast<ptrdiff_t>(next), words.end()};
  const auto name = command_name(*out.of, *out.what);
  for (const auto& word : rest) {
    if (word == "--") break;
    out.help |= asks_for_help(word);
  }
  if (out.help) return out;
  if (out.what->run == nullptr) return fail(not_yet("stip " + name));
  STIP_ASSIGN(out.given, parse_options(all_options(*out.what), rest, name));
  STIP_TRY(check_words(*out.of, *out.what, out.given));
  return out;
}

scanned_line scan_line(const std::string& line) {
  scanned_line out;
  const auto begin = [&](size_t at) {
    if (out.inside) return;
    out.inside = true;
    out.words.emplace_back();
    out.begins.push_back(at);
  };
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool escapes = c == '\\' && out.quote != '\'' && i + 1 < line.size();
    if (escapes) {
      begin(i);
      out.words.back() += line[++i];
    } else if (out.quote != '\0') {
      if (c == out.quote)
        out.quote = '\0';
      else
        out.words.back() += c;
    } else if (c == '\'' || c == '"') {
      begin(i);
      out.quote = c;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      out.inside = false;
    } else {
      begin(i);
      out.words.back() += c;
    }
  }
  return out;
}

result<std::vector<std::string>> split_line(const std::string& line) {
  auto scanned = scan_line(line);
  if (scanned.quote != '\0')
    return fail(ec::invalid_argument, "read the line", "a quote does not end", "close it");
  return std::move(scanned.words);
}

}  // namespace stip::cli
