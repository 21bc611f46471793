#include "actors/settings.hpp"

#include <algorithm>
#include <array>
#include <caf/all.hpp>
#include <charconv>
#include <optional>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

enum class kind { text, number, list };

struct option {
  const char* name;
  kind type;
  const char* help;
};

// config/stipd.ini explains each at length.
constexpr std::array options{
    option{"directory", kind::text, "where the node keeps its data"},
    option{"cluster", kind::text, "name of the cluster; others are refused"},
    option{"host", kind::text, "address to listen on, and where peers dial this node"},
    option{"port", kind::number, "port to listen on (0: any free one)"},
    option{"peers", kind::list, "addresses of other nodes; one that lives is enough"},
    option{"rack", kind::text, "name of the rack; copies are kept on distinct racks"},
    option{"tokens", kind::list, "places on the ring (64-bit numbers, as strings)"},
    option{"token-count", kind::number, "places on the ring when none are given"},
    option{"input-roots", kind::list, "what `image store` may read"},
    option{"memory-limit", kind::number, "MiB of memory that the node may use"},
    option{"loader-threads", kind::number, "threads that load at most"},
    option{"reader-threads", kind::number, "threads that read chips and answer queries"},
    option{"free-space", kind::number, "MiB that stay free on the disk"},
    option{"maintenance-rate", kind::number, "MiB a second for compaction and scrub (0: none)"},
    option{"down-after", kind::number,
           "seconds after which a node that is down is removed (0: never)"},
    option{"upload-space", kind::number, "MiB of clients' files at a time (0: none)"},
    option{"upload-patience", kind::number,
           "seconds after which a client that sends nothing is given up"},
    option{"log-level", kind::text, "trace, debug, info, warn, error"},
    option{"log-file", kind::text, "where to log (default: standard error)"},
    option{"log-size", kind::number, "MiB at which the log file is rotated"},
    option{"log-count", kind::number, "rotated log files that are kept"},
    option{"tls-ca", kind::text, "not yet"},
    option{"tls-cert", kind::text, "not yet"},
    option{"tls-key", kind::text, "not yet"},
};

/// A year.
constexpr int64_t max_down_seconds = 366 * 24 * 3600;
/// A day.
constexpr int64_t max_upload_seconds = 24 * 3600;

tl::unexpected<error> bad_setting(const std::string& name, std::string why) {
  return fail(ec::invalid_argument, "read setting " + name, std::move(why), "see config/stipd.ini");
}

tl::unexpected<error> bad(const std::string& key, std::string why) {
  return bad_setting("stip." + key, std::move(why));
}

/// The parsed values of the section.
class section {
 public:
  explicit section(const caf::settings& values) : values_(values) {}

  result<void> check_keys() const {
    for (const auto& [key, value] : values_) {
      const auto known = std::find_if(options.begin(), options.end(),
                                      [&](const option& o) { return key == o.name; });
      if (known == options.end()) return bad(key, "there is no such setting");
      const bool fits = known->type == kind::number ? caf::holds_alternative<int64_t>(value)
                        : known->type == kind::list
                            ? caf::holds_alternative<caf::config_value::list>(value)
                            : caf::holds_alternative<std::string>(value);
      if (!fits)
        return bad(key, known->type == kind::number ? "it is not a whole number"
                        : known->type == kind::list
                            ? "it is not a list of strings, like [\"a\", \"b\"]"
                            : "it is not a string in double quotes");
      if (key.starts_with("tls-")) return bad(key, "TLS between nodes is not there yet");
      if (known->type == kind::list)
        for (const auto& item : caf::get<caf::config_value::list>(value))
          if (!caf::holds_alternative<std::string>(item))
            return bad(key, "its items must be strings in double quotes");
    }
    return {};
  }

  void text(const char* key, std::string& out) const {
    if (const auto* value = find<std::string>(key)) out = *value;
  }

  template <class T>
  result<void> number(const char* key, int64_t least, int64_t most, T& out) const {
    const auto* value = find<int64_t>(key);
    if (value == nullptr) return {};
    if (*value < least || *value > most)
      return bad(key, std::to_string(*value) + " is not within " + std::to_string(least) + " and " +
                          std::to_string(most));
    out = static_cast<T>(*value);
    return {};
  }

  /// The items are known to be strings: check_keys looks at them.
  void list(const char* key, std::vector<std::string>& out) const {
    const auto* values = find<caf::config_value::list>(key);
    if (values == nullptr) return;
    out.clear();
    for (const auto& value : *values) out.push_back(caf::get<std::string>(value));
  }

 private:
  template <class T>
  const T* find(const char* key) const {
    const auto at = values_.find(key);
    return at == values_.end() ? nullptr : caf::get_if<T>(&at->second);
  }

  const caf::settings& values_;
};

std::optional<uint64_t> parse_token(const std::string& text) {
  uint64_t token = 0;
  const auto* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, token) != std::from_chars_result{end, {}}) return {};
  return token;
}

result<std::vector<uint64_t>> parse_tokens(const std::vector<std::string>& texts) {
  std::vector<uint64_t> out;
  for (const auto& text : texts) {
    const auto token = parse_token(text);
    if (!token) return bad("tokens", "'" + text + "' is no 64-bit number");
    out.push_back(*token);
  }
  return out;
}

tl::unexpected<error> bad_word(const std::string& option, std::string why) {
  return fail(ec::invalid_argument, "read " + option, std::move(why),
              "write -d DIR once, and -t TOKEN for each place on the ring");
}

}  // namespace

result<row_options> take_row_options(const std::vector<std::string>& words) {
  row_options out;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto option = words[i].substr(0, 2);
    if (option != "-d" && option != "-t") {
      out.rest.push_back(words[i]);
      continue;
    }
    const bool apart = words[i].size() == option.size();
    if (apart && i + 1 == words.size()) return bad_word(option, "its value is missing");
    const auto value = apart ? words[++i] : words[i].substr(option.size());
    if (option == "-d") {
      if (value.empty()) return bad_word(option, "the directory's name is empty");
      if (out.directory) return bad_word(option + " " + value, "it is given twice");
      out.directory = value;
      continue;
    }
    const auto token = parse_token(value);
    if (!token) return bad_word(option + " " + value, "it is no 64-bit number");
    if (std::find(out.tokens.begin(), out.tokens.end(), *token) != out.tokens.end())
      return bad_word(option + " " + value, "it is given twice");
    if (out.tokens.size() == defaults::max_tokens_per_node)
      return bad_word(option + " " + value,
                      "a node has at most " + std::to_string(defaults::max_tokens_per_node));
    out.tokens.push_back(*token);
  }
  return out;
}

node_config::node_config() : system_config(networking::on) {
  opt_group group{custom_options_, "stip"};
  for (const auto& o : options) {
    switch (o.type) {
      case kind::text:
        group.add<std::string>(o.name, o.help);
        break;
      case kind::number:
        group.add<int64_t>(o.name, o.help);
        break;
      case kind::list:
        group.add<std::vector<std::string>>(o.name, o.help);
        break;
    }
  }
}

result<void> node_config::check_file() const {
  if (config_file_path.empty()) return {};
  // Parsed without any option, so that nothing is dropped.
  const auto written = parse_config_file(config_file_path.c_str());
  if (!written)
    return fail(ec::invalid_argument, "read configuration " + config_file_path,
                render(written.error()), "see config/stipd.ini");
  for (const auto& [group, values] : *written) {
    const auto* entries = caf::get_if<caf::settings>(&values);
    if (entries == nullptr) return bad_setting(group, "it stands before the first section");
    if (group == "stip") {
      STIP_TRY(section{*entries}.check_keys());
      continue;
    }
    for (const auto& [key, value] : *entries) {
      const auto name = group + "." + key;
      const auto* option = custom_options_.qualified_name_lookup(group, key);
      if (option == nullptr) return bad_setting(name, "there is no such setting");
      if (option->check(value)) return bad_setting(name, "its value has the wrong type");
    }
  }
  return {};
}

result<all_settings> read_settings(const node_config& config, const row_options& row) {
  all_settings all;
  all.node = default_settings();
  const auto& values = caf::content(config);
  const auto at = values.find("stip");
  static const caf::settings none;
  const auto* found = at == values.end() ? nullptr : caf::get_if<caf::settings>(&at->second);
  const section in{found == nullptr ? none : *found};
  STIP_TRY(config.check_file());
  STIP_TRY(in.check_keys());
  if (!config.remainder.empty())
    return fail(ec::invalid_argument, "read '" + config.remainder.front() + "'", "it is no option",
                "options look like --stip.port=15606");
  auto& node = all.node;
  in.text("directory", node.directory);
  if (row.directory) node.directory = *row.directory;
  if (node.directory.empty()) return bad("directory", "it is missing (also as -d DIR)");
  in.text("cluster", node.cluster);
  in.text("host", node.host);
  in.text("rack", node.rack);
  in.text("log-level", all.log.level);
  in.text("log-file", all.log.file);
  STIP_TRY(in.number("port", 0, 65'535, node.port));
  in.list("peers", node.peers);
  for (const auto& peer : node.peers)
    if (auto address = split_address(peer); !address)
      return bad("peers", address.error().why + ": '" + peer + "'");
  std::vector<std::string> tokens;
  in.list("tokens", tokens);
  STIP_ASSIGN(node.tokens, parse_tokens(tokens));
  if (!row.tokens.empty()) node.tokens = row.tokens;
  STIP_TRY(in.number("token-count", 1, defaults::max_tokens_per_node, node.token_count));
  in.list("input-roots", node.input_roots);
  constexpr int64_t mib = 1 << 20;
  uint64_t limit_mib = node.memory_limit / mib;
  STIP_TRY(in.number("memory-limit", int64_t(defaults::min_memory_limit) / mib, mib, limit_mib));
  node.memory_limit = limit_mib * mib;
  STIP_TRY(in.number("loader-threads", 1, 1024, node.loader_threads));
  STIP_TRY(in.number("reader-threads", 1, 1024, node.reader_threads));
  uint64_t free_mib = node.free_bytes_watermark / mib;
  STIP_TRY(in.number("free-space", 0, int64_t{1} << 40, free_mib));
  node.free_bytes_watermark = free_mib * mib;
  uint64_t log_mib = all.log.file_bytes / mib;
  STIP_TRY(in.number("log-size", 1, mib, log_mib));
  all.log.file_bytes = log_mib * mib;
  STIP_TRY(in.number("log-count", 1, int64_t(defaults::max_log_files), all.log.files));
  uint64_t rate_mib = node.maintenance_rate / mib;
  STIP_TRY(in.number("maintenance-rate", 0, int64_t{1} << 20, rate_mib));
  node.maintenance_rate = rate_mib * mib;
  int64_t down_seconds = std::chrono::duration_cast<std::chrono::seconds>(node.down_after).count();
  STIP_TRY(in.number("down-after", 0, max_down_seconds, down_seconds));
  node.down_after = std::chrono::seconds{down_seconds};
  uint64_t upload_mib = node.upload_space / mib;
  STIP_TRY(in.number("upload-space", 0, int64_t{1} << 40, upload_mib));
  node.upload_space = upload_mib * mib;
  int64_t upload_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(node.upload_patience).count();
  STIP_TRY(in.number("upload-patience", 1, max_upload_seconds, upload_seconds));
  node.upload_patience = std::chrono::seconds{upload_seconds};
  constexpr std::array levels{"trace", "debug", "info", "warn", "error"};
  if (std::find(levels.begin(), levels.end(), all.log.level) == levels.end())
    return bad("log-level", "'" + all.log.level + "' is none of trace, debug, info, warn, error");
  return all;
}

}  // namespace stip
