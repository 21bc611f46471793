#include "apps/stip/complete.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "apps/stip/parse.hpp"
#include "apps/stip/settings.hpp"
#include "libstip/analysis/indices.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/raster/picture.hpp"
#include "libstip/raster/writers.hpp"

namespace stip::cli {

namespace {

using words = std::vector<std::string>;

/// Options that may change from line to line of the shell.
bool may_change(const option& o) {
  return o.name == "format" || o.name == "quiet";
}

/// Options and words in front of the one that is typed.
struct walk {
  /// Words that were options or their values.
  size_t used = 0;
  /// The last option lacks its value.
  const option* pending = nullptr;
  std::set<std::string_view> seen;
  std::map<std::string_view, std::string> values;
  words others;
  /// After two dashes.
  bool no_options = false;
};

const option* long_option(const std::vector<option>& known, std::string_view name) {
  for (const auto& o : known)
    if (o.name == name) return &o;
  return nullptr;
}

const option* short_option(const std::vector<option>& known, char name) {
  for (const auto& o : known)
    if (o.short_name == name && name != '\0') return &o;
  return nullptr;
}

class walker {
 public:
  explicit walker(const std::vector<option>& known) : known_(known) {}

  /// Takes the words from `first` on; with `leading` up to the first that is no option.
  walk over(const words& all, size_t first, bool leading) {
    for (size_t i = first; i < all.size(); ++i) {
      const auto& word = all[i];
      if (out_.pending != nullptr) {
        auto& value = out_.values[out_.pending->name];
        if (left_ == 0) left_ = words_of(*out_.pending, word);
        value += (value.empty() ? "" : " ") + word;
        if (--left_ == 0) out_.pending = nullptr;
      } else if (out_.no_options || word.size() < 2 || word[0] != '-') {
        if (leading) break;
        out_.others.push_back(word);
      } else if (word == "--") {
        if (leading) break;
        out_.no_options = true;
      } else if (word[1] == '-') {
        take_long(word);
      } else {
        take_short(word);
      }
      ++out_.used;
    }
    return std::move(out_);
  }

 private:
  void take(const option* o, bool has_value, const std::string& value) {
    if (o == nullptr) return;
    out_.seen.insert(o->name);
    if (o->value.empty()) return;
    if (has_value)
      out_.values[o->name] = value;
    else
      out_.pending = o;
  }
  void take_long(const std::string& word) {
    const auto equals = word.find('=');
    const bool has_value = equals != std::string::npos;
    const auto name = std::string_view{word}.substr(2, has_value ? equals - 2 : equals);
    take(long_option(known_, name), has_value, has_value ? word.substr(equals + 1) : "");
  }
  void take_short(const std::string& word) {
    for (size_t k = 1; k < word.size(); ++k) {
      const auto* o = short_option(known_, word[k]);
      const bool takes_rest = o != nullptr && !o->value.empty() && k + 1 < word.size();
      take(o, takes_rest, takes_rest ? word.substr(k + 1) : "");
      if (o == nullptr || !o->value.empty()) return;
    }
  }

  const std::vector<option>& known_;
  walk out_;
  /// Words that the value of the pending option still takes.
  size_t left_ = 0;
};

/// Words of a closed set, by the name of the option or argument that takes them.
words choices(std::string_view name) {
  if (name == "format") return {"table", "json", "csv"};
  if (name == "replica-placement") return {"ring", "parent"};
  if (name == "ALGORITHM" || name == "algorithm") return {"geohash", "quadtile"};
  if (name == "as")
    return {std::string{to_string(image_format::cog)}, std::string{to_string(image_format::png)},
            std::string{to_string(image_format::npy)}};
  if (name == "pick") return {"first", "latest", "least-cloud", "median", "mean"};
  if (name == "colors") return {colour_map_names().begin(), colour_map_names().end()};
  if (name == "stretch") return {"percentile"};
  if (name == "resampling") return {"nearest", "bilinear", "cubic", "average"};
  if (name == "FORMAT") {
    words out = {"auto"};
    for (const auto& f : formats()) out.emplace_back(f.name);
    return out;
  }
  if (name == "INDEX") {
    words out;
    for (const auto& index : known_indices()) out.emplace_back(index.name);
    return out;
  }
  if (name == "FILTER") return {"grayscale", "blur", "sharpen", "median", "edges", "equalize"};
  if (name == "type") return {"float", "int16"};
  if (name == "sort") {
    words out;
    for (int i = 0; i <= static_cast<int>(sort_field::key); ++i)
      out.emplace_back(to_string(static_cast<sort_field>(i)));
    return out;
  }
  return {};
}

/// The line in its parts, as far as it is understood.
class reader {
 public:
  reader(const std::string& line, typed_in where, name_source& names)
      : where_(where), names_(names) {
    auto scanned = scan_line(line);
    before_ = std::move(scanned.words);
    out_.begin = line.size();
    if (scanned.inside || scanned.quote != '\0') {
      last_ = before_.back();
      out_.begin = scanned.begins.back();
      before_.pop_back();
    }
    // A value that stands in one word with its option begins after the sign.
    if (const auto equals = last_.find('='); last_.starts_with("--") && equals != last_.npos) {
      option_ = last_.substr(2, equals - 2);
      out_.begin = line.find('=', out_.begin) + 1;
      last_ = last_.substr(equals + 1);
    }
  }

  completion read() {
    size_t first = 0;
    if (where_ == typed_in::command_line) {
      if (before_.empty()) return {};
      first = 1;
    } else if (!skip_own_words(first)) {
      return finish();
    }
    const auto& global = global_options();
    auto leading = walker{global}.over(before_, first, true);
    first += leading.used;
    if (leading.pending != nullptr) {
      offer_value(*leading.pending, {}, {});
    } else if (first == before_.size()) {
      if (!offer_options(global, leading)) offer_nouns();
    } else if (const auto* n = find_noun(before_[first])) {
      after_noun(*n, first + 1);
    }
    return finish();
  }

 private:
  /// The words that only the shell has. False: nothing else may follow them.
  bool skip_own_words(size_t& first) {
    if (before_.empty()) return true;
    if (before_[0] == "watch") {
      first = 1;
      if (before_.size() == 1 && last_.starts_with('-')) return offer("-n"), false;
      if (before_.size() == 2 && before_[1] == "-n") return false;
      if (before_.size() > 2 && before_[1] == "-n") first = 3;
      watched_ = true;
    } else if (before_[0] == "help" || before_[0] == "stip") {
      first = 1;
      help_ = before_[0] == "help";
    }
    return before_[0] != "exit" && before_[0] != "quit";
  }

  void after_noun(const noun& n, size_t first) {
    if (n.stands_alone()) {
      if (!help_) arguments_of(n, n.verbs.front(), first);
    } else if (first == before_.size()) {
      for (const auto& v : n.verbs)
        if (v.run != nullptr) offer(v.name);
    } else if (const auto* v = n.find(before_[first]); v != nullptr && !help_) {
      arguments_of(n, *v, first + 1);
    }
  }

  void arguments_of(const noun& n, const verb& v, size_t first) {
    const auto known = all_options(v);
    const auto seen = walker{known}.over(before_, first, false);
    const auto album = album_of(n, v, seen);
    if (seen.pending != nullptr)
      offer_value(*seen.pending, album, n.name);
    else if (seen.no_options || !offer_options(known, seen, album))
      offer_argument(n, v, seen.others.size(), album);
  }

  /// The album that the command is about, as far as it is typed.
  static std::string album_of(const noun& n, const verb& v, const walk& seen) {
    if (const auto named = seen.values.find("album"); named != seen.values.end())
      return named->second;
    for (size_t i = 0; i < v.takes.size() && i < seen.others.size(); ++i)
      if (v.takes[i].name == "ALBUM" || (v.takes[i].name == "ID" && n.name == "album"))
        return seen.others[i];
    return {};
  }

  /// False: no option is being typed.
  bool offer_options(const std::vector<option>& known, const walk& seen,
                     const std::string& album = {}) {
    if (!option_.empty()) {
      if (const auto* o = long_option(known, option_); o != nullptr && !o->value.empty())
        offer_value(*o, album, {});
      return true;
    }
    if (!last_.starts_with('-')) return false;
    const bool of_shell = where_ == typed_in::shell && &known == &global_options();
    for (const auto& o : known) {
      const bool fits = o.is == availability::there && !seen.seen.contains(o.name);
      if (fits && (!of_shell || may_change(o))) offer("--" + std::string{o.name});
    }
    return true;
  }

  void offer_value(const option& o, const std::string& album, std::string_view noun_name) {
    if (o.value == "FILE" || o.value == "DIR")
      out_.files = true;
    else if (o.name == "platform")
      offer_all(album.empty() ? words{} : names_.platforms(album));
    else if (o.name == "source")
      offer_all(album.empty() ? words{} : names_.sources(album));
    else if (o.name == "geocode" || o.name == "bound")
      offer_geocodes(album);
    else if (o.name == "album")
      offer_all(names_.albums());
    else if (o.name == "task" && noun_name != "task")
      offer_all(names_.tasks());
    else
      offer_all(choices(o.name));
  }

  void offer_argument(const noun& n, const verb& v, size_t number, const std::string& album) {
    if (v.takes.empty()) return;
    const auto& last = v.takes.back();
    if (number >= v.takes.size() && last.count != argument::times::at_least_once) return;
    const auto& a = number < v.takes.size() ? v.takes[number] : last;
    if (a.name == "ALBUM" || (a.name == "ID" && n.name == "album" && v.name != "create"))
      offer_all(names_.albums());
    else if (a.name == "ID" && n.name == "task")
      offer_all(names_.tasks());
    else if (a.name == "ID" && n.name == "node")
      offer_all(names_.nodes());
    else if (a.name == "PLATFORM")
      offer_all(album.empty() ? words{} : names_.platforms(album));
    else if (a.name == "GEOCODE")
      offer_geocodes(album);
    else if (a.name == "FILE" || a.name == "GLOB")
      out_.files = true;
    else
      offer_all(choices(a.name));
  }

  void offer_geocodes(const std::string& album) {
    if (album.empty()) return;
    offer_all(names_.geocodes(album, last_));
    out_.open = true;
  }

  void offer_nouns() {
    for (const auto& n : nouns())
      if (where_ == typed_in::command_line || n.name != "shell") offer(n.name);
    if (where_ == typed_in::command_line || watched_ || help_) return;
    for (const auto* own : {"help", "watch", "exit"}) offer(own);
  }

  void offer_all(const words& all) {
    for (const auto& word : all) offer(word);
  }
  void offer(std::string_view word) {
    if (word.starts_with(last_)) out_.words.emplace_back(word);
  }

  completion finish() {
    if (out_.files) out_.words = files_like(last_);
    auto& found = out_.words;
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.size() > defaults::max_completions) found.resize(defaults::max_completions);
    return std::move(out_);
  }

  typed_in where_;
  name_source& names_;
  words before_;
  /// What is typed of the word, without its quotes.
  std::string last_;
  /// The option whose value that is, where both are one word.
  std::string option_;
  bool watched_ = false;
  bool help_ = false;
  completion out_;
};

}  // namespace

completion complete(const std::string& line, typed_in where, name_source& names) {
  return reader{line, where, names}.read();
}

std::vector<std::string> files_like(const std::string& begin) {
  namespace fs = std::filesystem;
  words out;
  const auto slash = begin.rfind('/');
  const auto folder = slash == std::string::npos ? std::string{} : begin.substr(0, slash + 1);
  const auto name = slash == std::string::npos ? begin : begin.substr(slash + 1);
  std::error_code why;
  fs::directory_iterator at{folder.empty() ? "." : folder, why};
  for (; !why && at != fs::directory_iterator{} && out.size() < defaults::max_completions;
       at.increment(why)) {
    const auto found = at->path().filename().string();
    if (!found.starts_with(name) || (found[0] == '.' && name.empty())) continue;
    std::error_code unknown;
    out.push_back(folder + found + (at->is_directory(unknown) ? "/" : ""));
  }
  return out;
}

std::string common_begin(const std::vector<std::string>& all) {
  if (all.empty()) return {};
  auto out = all.front();
  for (const auto& word : all) {
    const auto ends = std::mismatch(out.begin(), out.end(), word.begin(), word.end());
    out.erase(ends.first, out.end());
  }
  // Never half a character: bytes of the form 10xxxxxx continue one.
  const auto cut = [&](const std::string& word) {
    return out.size() < word.size() && (word[out.size()] & 0xc0) == 0x80;
  };
  while (!out.empty() && std::any_of(all.begin(), all.end(), cut)) out.pop_back();
  return out;
}

std::string quoted(const std::string& word) {
  std::string out;
  for (const char c : word) {
    if (c == ' ' || c == '\t' || c == '\'' || c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace stip::cli
