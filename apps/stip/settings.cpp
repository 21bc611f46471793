#include "apps/stip/settings.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <fstream>
#include <map>

#include "apps/stip/parse.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr auto default_host = "127.0.0.1";

using values = std::map<std::string, std::string>;

bool is_flag(const std::string& name) {
  for (const auto& o : global_options())
    if (o.name == name) return o.value.empty();
  return false;
}

result<values> read_config_file(const std::string& path) {
  namespace po = boost::program_options;
  const auto what = "read --config-file " + path;
  std::ifstream file{path};
  if (!file) return fail(ec::not_found, what, "it cannot be opened", "check the path");
  po::options_description known;
  for (const auto& o : global_options())
    known.add_options()(std::string{o.name}.c_str(), po::value<std::string>(), "");
  try {
    values out;
    for (const auto& o : po::parse_config_file(file, known).options)
      if (!o.value.empty()) out[o.string_key] = o.value.front();
    return out;
  } catch (const std::exception& err) {
    return fail(ec::invalid_argument, what, err.what(), "a line is NAME = VALUE; see `stip -h`");
  }
}

values read_environment(
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  values out;
  for (const auto& o : global_options()) {
    if (o.name == "help" || o.name == "version") continue;
    const auto value = environment(environment_name(o.name));
    if (value && !value->empty()) out[std::string{o.name}] = *value;
  }
  return out;
}

result<bool> read_flag(const values& from, const std::string& name) {
  const auto found = from.find(name);
  if (found == from.end()) return false;
  const auto& value = found->second;
  if (value.empty() || value == "1" || value == "true" || value == "yes" || value == "on")
    return true;
  if (value == "0" || value == "false" || value == "no" || value == "off") return false;
  return fail(ec::invalid_argument, name + " = " + value, "it is neither true nor false");
}

result<uint16_t> read_port(const std::string& text) {
  uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, port);
  if (code != std::errc{} || stop != end || port == 0)
    return fail(ec::invalid_argument, "--port " + text, "it is not a port from 1 to 65535");
  return port;
}

/// What the first of the sources says that says anything.
values merged(const values& line, const values& env, const values& file) {
  auto out = line;
  // Who names a node on the command line means it, whatever directory the environment names; so
  // does the environment over the file.
  const auto add = [&](const values& more, bool node_named) {
    for (const auto& [name, value] : more)
      if (name != "embedded" || !node_named) out.emplace(name, value);
  };
  const auto names_node = [](const values& v) {
    return v.count("ip_address") != 0 || v.count("port") != 0;
  };
  add(env, names_node(line));
  add(file, names_node(line) || names_node(env));
  return out;
}

}  // namespace

const std::vector<option>& global_options() {
  static const std::vector<option> all = {
      {"ip_address", 'i', "HOST", "the node to ask (127.0.0.1)"},
      {"port", 'p', "PORT", "its port (15606)"},
      {"embedded", '\0', "DIR", "no daemon: a node inside this process, on that directory"},
      {"format", '\0', "FORMAT", "table, json or csv (table)"},
      {"config-file", '\0', "FILE", "read these options from a file: NAME = VALUE a line"},
      {"tls-ca", '\0', "FILE", "certificate of the cluster's authority", availability::not_yet},
      {"tls-cert", '\0', "FILE", "certificate of this client", availability::not_yet},
      {"tls-key", '\0', "FILE", "its key", availability::not_yet},
      {"quiet", 'q', "", "neither headers, nor remarks, nor progress"},
      {"verbose", 'v', "", "say what is being done"},
      {"help", 'h', "", "explain stip"},
      {"version", '\0', "", "print the version"},
  };
  return all;
}

std::string environment_name(std::string_view option_name) {
  std::string out = "STIP_";
  for (const char c : option_name)
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

result<command_line> parse_command_line(
    const std::vector<std::string>& words,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  const auto count = static_cast<ptrdiff_t>(leading_options(global_options(), words));
  command_line out;
  out.command.assign(words.begin() + count, words.end());
  STIP_ASSIGN(const auto line,
              parse_options(global_options(), {words.begin(), words.begin() + count}, ""));
  auto& global = out.global;
  global.help = line.has("help");
  global.version = line.has("version");
  // Help is given whatever else is wrong.
  if (global.help || global.version) return out;

  const auto env = read_environment(environment);
  values file;
  const auto path = line.text("config-file", env.count("config-file") ? env.at("config-file") : "");
  if (!path.empty()) {
    STIP_ASSIGN(file, read_config_file(path));
  }
  const auto all = merged(line.options, env, file);
  for (const auto& o : global_options())
    if (o.is == availability::not_yet && all.count(std::string{o.name}) != 0)
      return fail(not_yet("stip --" + std::string{o.name}));
  for (const auto& [name, value] : all)
    if (value.empty() && !is_flag(name))
      return fail(ec::invalid_argument, "--" + name, "its value is empty");
  const auto text = [&](const std::string& name, std::string absent) {
    const auto found = all.find(name);
    return found == all.end() ? std::move(absent) : found->second;
  };
  if (line.has("embedded") && (line.has("ip_address") || line.has("port")))
    return fail(ec::invalid_argument, "stip --embedded",
                "a node inside this process has neither address nor port",
                "leave out -i and -p, or --embedded");
  if (all.count("embedded") != 0) global.embedded = all.at("embedded");
  global.host = text("ip_address", default_host);
  STIP_ASSIGN(global.port, read_port(text("port", std::to_string(defaults::port))));
  STIP_ASSIGN(global.format, parse_output_format(text("format", "table")));
  STIP_ASSIGN(global.quiet, read_flag(all, "quiet"));
  STIP_ASSIGN(global.verbose, read_flag(all, "verbose"));
  return out;
}

}  // namespace stip::cli
