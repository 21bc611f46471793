#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/filter.hpp"
#include "libstip/core/error.hpp"

// The commands as data: nouns, verbs, arguments, options and examples stand in tables, from which
// parsing and help are made.

namespace stip::cli {

class context;

/// Exit statuses: a contract with users' scripts.
enum exit_status : int { done = 0, failed = 1, wrong_usage = 2, unreachable = 3, incomplete = 4 };

/// Whether something that is documented is there; what is not is refused, never ignored.
enum class availability : bool { there, not_yet };

struct option {
  /// Without dashes.
  std::string_view name;
  /// Or '\0'.
  char short_name = '\0';
  /// What stands for the value in help; empty: the option takes none. With blanks: so many words
  /// (see words_of).
  std::string_view value;
  std::string_view help;
  availability is = availability::there;
};

struct argument {
  enum class times : uint8_t { once, at_most_once, at_least_once };

  std::string_view name;
  std::string_view help;
  times count = times::once;
};

/// The words of a command after noun and verb. Lists what was given, and reads numbers.
struct arguments {
  std::map<std::string, std::string> options;
  std::vector<std::string> words;

  bool has(const std::string& name) const { return options.count(name) != 0; }
  /// The option's value, or the text that stands for its absence.
  std::string text(const std::string& name, std::string absent = {}) const;
  /// The option as a number within [least, most]. Errors: invalid_argument, naming the option.
  result<int64_t> number(const std::string& name, int64_t absent, int64_t least,
                         int64_t most) const;
  /// The options that belong to the filter. Errors: as parse_filter.
  result<stip::filter> filter() const;
  result<sort_field> order() const;
};

/// What a command needs of a node.
enum class access : uint8_t { none, read, write };

struct verb {
  std::string_view name;
  std::string_view summary;
  std::vector<argument> takes;
  std::vector<option> options;
  /// Takes the options of the filter (libstip/catalog/filter_options.hpp) too.
  bool filtered = false;
  std::string_view example;
  /// Null: not there yet. Returns the exit status.
  result<int> (*run)(context&, const arguments&) = nullptr;
};

struct noun {
  std::string_view name;
  std::string_view summary;
  /// One verb without a name: the noun stands alone.
  std::vector<verb> verbs;
  std::string_view example;

  const verb* find(std::string_view verb_name) const;
  bool stands_alone() const { return verbs.size() == 1 && verbs.front().name.empty(); }
};

/// How many words the option's value has that begins with `first`: alternatives stand between bars
/// ("percentile LOW,HIGH|MIN,MAX"); words in lower case stand for themselves.
size_t words_of(const option& o, std::string_view first);

/// Every noun, in the order of the manual.
const std::vector<noun>& nouns();
const noun* find_noun(std::string_view name);

/// The options of a verb, those of the filter and -h included.
std::vector<option> all_options(const verb& v);

/// The error of what is documented and not there.
error not_yet(std::string what);

// One table a file of that name.
noun node_noun();
noun album_noun();
noun image_noun();
noun task_noun();
noun shell_noun();

}  // namespace stip::cli
