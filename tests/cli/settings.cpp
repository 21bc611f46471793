#define CAF_SUITE cli.settings

#include "apps/stip/settings.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>

using namespace stip;
using namespace stip::cli;

namespace {

using words = std::vector<std::string>;
using variables = std::map<std::string, std::string>;

result<command_line> parse(const words& line, const variables& env = {}) {
  return parse_command_line(line, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = env.find(name);
    if (found == env.end()) return std::nullopt;
    return found->second;
  });
}

settings global_of(const words& line, const variables& env = {}) {
  auto out = parse(line, env);
  if (!out) CAF_FAIL(to_string(out.error()));
  return out->global;
}

ec code_of(const words& line, const variables& env = {}) {
  const auto out = parse(line, env);
  return out ? ec::none : out.error().code;
}

struct config_file {
  explicit config_file(const std::string& text)
      : path((std::filesystem::temp_directory_path() / "stip-cli-settings-test.ini").string()) {
    std::ofstream{path} << text;
  }
  ~config_file() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

CAF_TEST(without anything said it is the node of this machine) {
  const auto global = global_of({"node", "list"});
  CAF_CHECK_EQUAL(global.host, "127.0.0.1");
  CAF_CHECK_EQUAL(global.port, 15606);
  CAF_CHECK(!global.embedded);
  CAF_CHECK(global.format == output_format::table);
}

CAF_TEST(what follows the global options is the command) {
  const auto line = parse({"-q", "-p", "1", "image", "list", "a", "-p", "L"});
  CAF_REQUIRE(line);
  CAF_CHECK(line->command == words({"image", "list", "a", "-p", "L"}));
  CAF_CHECK(line->global.quiet);
  CAF_CHECK_EQUAL(line->global.port, 1);
}

CAF_TEST(command line before environment before file) {
  const config_file file{"# a comment\nport = 3\nformat = csv\nquiet = true\n"};
  const variables env = {{"STIP_CONFIG_FILE", file.path}, {"STIP_FORMAT", "json"}};
  auto global = global_of({"node"}, env);
  CAF_CHECK_EQUAL(global.port, 3);
  CAF_CHECK(global.format == output_format::json);
  CAF_CHECK(global.quiet);
  global = global_of({"--format", "table", "-p", "5", "node"}, env);
  CAF_CHECK_EQUAL(global.port, 5);
  CAF_CHECK(global.format == output_format::table);
}

CAF_TEST(every option has its variable) {
  for (const auto& o : global_options()) {
    const auto name = environment_name(o.name);
    CAF_CHECK(name.starts_with("STIP_"));
    CAF_CHECK(name.find('-') == std::string::npos);
  }
  CAF_CHECK_EQUAL(environment_name("tls-ca"), "STIP_TLS_CA");
  CAF_CHECK_EQUAL(global_of({"node"}, {{"STIP_IP_ADDRESS", "10.0.0.2"}}).host, "10.0.0.2");
  CAF_CHECK_EQUAL(global_of({"node"}, {{"STIP_EMBEDDED", "d"}}).embedded.value_or(""), "d");
  // An empty variable counts as none.
  CAF_CHECK_EQUAL(global_of({"node"}, {{"STIP_PORT", ""}}).port, 15606);
}

CAF_TEST(who names a node means it whatever directory the environment names) {
  CAF_CHECK(!global_of({"-p", "1", "node"}, {{"STIP_EMBEDDED", "d"}}).embedded);
  const auto both = global_of({"--embedded", "e", "node"}, {{"STIP_PORT", "1"}}).embedded;
  CAF_CHECK_EQUAL(both.value_or(""), "e");
  CAF_CHECK(code_of({"--embedded", "e", "-p", "1", "node"}) == ec::invalid_argument);
}

CAF_TEST(what is not there yet is refused wherever it is said) {
  for (const auto* name : {"tls-ca", "tls-cert", "tls-key"}) {
    CAF_CHECK(code_of({std::string{"--"} + name, "f", "node"}) == ec::unsupported);
    CAF_CHECK(code_of({"node"}, {{environment_name(name), "f"}}) == ec::unsupported);
    const config_file file{std::string{name} + " = f\n"};
    CAF_CHECK(code_of({"--config-file", file.path, "node"}) == ec::unsupported);
  }
}

CAF_TEST(bad values are wrong usage) {
  CAF_CHECK(code_of({"-p", "0", "node"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"-p", "65536", "node"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"--format", "xml", "node"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"node"}, {{"STIP_VERBOSE", "perhaps"}}) == ec::invalid_argument);
  const config_file file{"no-such-option = 1\n"};
  CAF_CHECK(code_of({"--config-file", file.path, "node"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"--config-file", file.path + ".none", "node"}) == ec::not_found);
}

CAF_TEST(help and version are given whatever else is wrong) {
  CAF_CHECK(global_of({"-h", "-p", "x"}).help);
  CAF_CHECK(global_of({"--version"}, {{"STIP_PORT", "x"}}).version);
}
