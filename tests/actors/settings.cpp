#define CAF_SUITE actors.settings
#include "actors/settings.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture {
  /// What stipd makes of a configuration file and its command line.
  result<all_settings> read(const std::string& ini, std::vector<std::string> arguments = {}) {
    const auto path = files / "stipd.ini";
    std::ofstream{path} << ini;
    return read_file(path, std::move(arguments));
  }
  result<all_settings> read_file(const std::string& path, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--config-file=" + path);
    node_config config;
    STIP_ASSIGN(const auto row, take_row_options(arguments));
    if (auto err = config.parse(row.rest, ""))
      return fail(ec::malformed, "parse", config.render(err));
    return read_settings(config, row);
  }
  /// Checks that the line is refused with a message that holds `key` and `why`.
  void refuses(const std::string& line, const std::string& key, const std::string& why = {}) {
    const auto settings = read("[stip]\ndirectory=\"/d\"\n" + line + "\n");
    if (settings) CAF_FAIL("accepted: " << line);
    const auto message = to_string(settings.error());
    CAF_MESSAGE(message);
    CAF_CHECK_EQUAL(int(settings.error().code), int(ec::invalid_argument));
    if (message.find(key) == std::string::npos) CAF_ERROR("no " << key << " in: " << message);
    if (message.find(why) == std::string::npos) CAF_ERROR("no " << why << " in: " << message);
  }

  scratch_directory files;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(settings_tests, fixture)

CAF_TEST(the file that is shipped is accepted and says what is the default) {
  const auto source = std::filesystem::path{__FILE__}.parent_path().parent_path().parent_path();
  const auto path = source / "config" / "stipd.ini";
  if (!std::filesystem::exists(path)) {
    CAF_MESSAGE("skipped: the sources are not where they were built");
    return;
  }
  const auto settings = read_file(path, {});
  if (!settings) CAF_FAIL(to_string(settings.error()));
  const auto defaults = default_settings();
  const auto& node = settings->node;
  CAF_CHECK_EQUAL(node.directory, "/var/lib/stip");
  CAF_CHECK_EQUAL(node.cluster, defaults.cluster);
  CAF_CHECK_EQUAL(node.host, defaults.host);
  CAF_CHECK_EQUAL(node.port, 15606u);
  CAF_CHECK(node.peers.empty());
  CAF_CHECK(node.tokens.empty());
  CAF_CHECK_EQUAL(node.token_count, defaults.token_count);
  CAF_CHECK(node.input_roots == defaults.input_roots);
  CAF_CHECK_EQUAL(node.memory_limit, defaults.memory_limit);
  CAF_CHECK_EQUAL(node.loader_threads, defaults.loader_threads);
  CAF_CHECK_EQUAL(node.reader_threads, defaults.reader_threads);
  CAF_CHECK_EQUAL(node.free_bytes_watermark, defaults.free_bytes_watermark);
  CAF_CHECK(node.down_after == defaults.down_after);
  CAF_CHECK_EQUAL(node.upload_space, defaults.upload_space);
  CAF_CHECK(node.upload_patience == defaults.upload_patience);
  CAF_CHECK_EQUAL(settings->log.level, "info");
  CAF_CHECK_EQUAL(settings->log.file, "");
  CAF_CHECK_EQUAL(settings->log.file_bytes, log_settings{}.file_bytes);
  CAF_CHECK_EQUAL(settings->log.files, log_settings{}.files);
}

CAF_TEST(every setting of the file arrives) {
  const auto settings = read(R"ini([stip]
directory="/data/stip"
cluster="north"
host="10.0.0.1"
port=4711
peers=["10.0.0.2:15606", "node-3:1"]
rack="r1"
tokens=["0", "9223372036854775808", "18446744073709551615"]
token-count=12
input-roots=["/images", "/vsizip/"]
memory-limit=512
loader-threads=3
reader-threads=4
free-space=77
down-after=90
upload-space=5
upload-patience=6
log-level="debug"
log-file="/tmp/log"
log-size=3
log-count=7
)ini");
  if (!settings) CAF_FAIL(to_string(settings.error()));
  const auto& node = settings->node;
  CAF_CHECK_EQUAL(node.directory, "/data/stip");
  CAF_CHECK_EQUAL(node.cluster, "north");
  CAF_CHECK_EQUAL(node.host, "10.0.0.1");
  CAF_CHECK_EQUAL(node.port, 4711u);
  CAF_CHECK(node.peers == (std::vector<std::string>{"10.0.0.2:15606", "node-3:1"}));
  CAF_CHECK_EQUAL(node.rack, "r1");
  // Half of all tokens do not fit into a signed number.
  CAF_CHECK(node.tokens == (std::vector<uint64_t>{0, uint64_t{1} << 63, UINT64_MAX}));
  CAF_CHECK_EQUAL(node.token_count, 12u);
  CAF_CHECK(node.input_roots == (std::vector<std::string>{"/images", "/vsizip/"}));
  CAF_CHECK_EQUAL(node.memory_limit, uint64_t{512} << 20);
  CAF_CHECK_EQUAL(node.loader_threads, 3u);
  CAF_CHECK_EQUAL(node.reader_threads, 4u);
  CAF_CHECK_EQUAL(node.free_bytes_watermark, uint64_t{77} << 20);
  CAF_CHECK(node.down_after == std::chrono::seconds{90});
  CAF_CHECK_EQUAL(node.upload_space, uint64_t{5} << 20);
  CAF_CHECK(node.upload_patience == std::chrono::seconds{6});
  CAF_CHECK_EQUAL(settings->log.level, "debug");
  CAF_CHECK_EQUAL(settings->log.file, "/tmp/log");
  CAF_CHECK_EQUAL(settings->log.file_bytes, uint64_t{3} << 20);
  CAF_CHECK_EQUAL(settings->log.files, 7u);
}

CAF_TEST(an empty list of input roots admits nothing) {
  const auto settings = read("[stip]\ndirectory=\"/d\"\ninput-roots=[]\n");
  CAF_REQUIRE(settings);
  CAF_CHECK(settings->node.input_roots.empty());
}

CAF_TEST(the command line wins over the file) {
  const auto settings = read("[stip]\ndirectory=\"/d\"\nport=1\npeers=[\"a:1\"]\n",
                             {"--stip.port=2", "--stip.peers=[\"b:2\"]", "--stip.rack=r"});
  if (!settings) CAF_FAIL(to_string(settings.error()));
  CAF_CHECK_EQUAL(settings->node.port, 2u);
  CAF_CHECK(settings->node.peers == std::vector<std::string>{"b:2"});
  CAF_CHECK_EQUAL(settings->node.rack, "r");
}

CAF_TEST(a row of the earlier system gives directory and tokens) {
  const auto settings = read("[stip]\ndirectory=\"/d\"\ntokens=[\"1\"]\n",
                             {"-d", "/tmp/STIP/0", "-t", "0", "-t", "6148914691236516864",
                              "--stip.port=2", "-t", "18446744073709551615", "--stip.rack=r"});
  if (!settings) CAF_FAIL(to_string(settings.error()));
  CAF_CHECK_EQUAL(settings->node.directory, "/tmp/STIP/0");
  CAF_CHECK(settings->node.tokens == (std::vector<uint64_t>{0, 6148914691236516864u, UINT64_MAX}));
  CAF_CHECK_EQUAL(settings->node.port, 2u);
  CAF_CHECK_EQUAL(settings->node.rack, "r");
}

CAF_TEST(the options of a row may stand together with their values) {
  const auto row = take_row_options({"-t5", "-d/x", "--stip.host=-d", "-t", "6"});
  if (!row) CAF_FAIL(to_string(row.error()));
  CAF_CHECK_EQUAL(*row->directory, "/x");
  CAF_CHECK(row->tokens == (std::vector<uint64_t>{5, 6}));
  CAF_CHECK(row->rest == (std::vector<std::string>{"--stip.host=-d"}));
  const auto none = take_row_options({});
  CAF_REQUIRE(none);
  CAF_CHECK(!none->directory);
}

CAF_TEST(wrong options of a row are named) {
  using words = std::vector<std::string>;
  for (const auto& line : {words{"-d"}, words{"-t"}, words{"-d", ""}, words{"-d", "/a", "-d", "/b"},
                           words{"-t", "x"}, words{"-t", "-1"}, words{"-t", "18446744073709551616"},
                           words{"-t", "5", "-t", "5"}, words{"-t", ""}, words{"-t", "0x5"}}) {
    const auto row = take_row_options(line);
    CAF_REQUIRE(!row);
    CAF_CHECK_EQUAL(int(row.error().code), int(ec::invalid_argument));
    CAF_CHECK(row.error().what.find(line.front()) != std::string::npos);
  }
  words many;
  for (size_t i = 0; i <= stip::defaults::max_tokens_per_node; ++i)
    many.push_back("-t" + std::to_string(i));
  CAF_CHECK(!take_row_options(many));
  many.pop_back();
  CAF_CHECK(take_row_options(many));
}

CAF_TEST(a directory is needed) {
  const auto settings = read("[stip]\nport=1\n");
  CAF_REQUIRE(!settings);
  CAF_CHECK(to_string(settings.error()).find("stip.directory") != std::string::npos);
}

CAF_TEST(a key that does not exist is named) {
  refuses("prot=1", "stip.prot", "no such setting");
  refuses("Port=1", "stip.Port", "no such setting");
  refuses("[stpi]\nport=1", "stpi", "no such");
  refuses("[scheduler]\nmax-thread=1", "scheduler.max-thread", "no such setting");
}

// CAF drops a value whose type does not fit its option, and the default was taken silently.
CAF_TEST(a value of the wrong type is named) {
  refuses("port=\"15606\"", "stip.port", "whole number");
  refuses("port=1.5", "stip.port", "whole number");
  refuses("port=80s", "stip.port", "whole number");
  refuses("memory-limit=[1]", "stip.memory-limit", "whole number");
  refuses("host=12", "stip.host", "string");
  refuses("rack=[\"a\"]", "stip.rack", "string");
  refuses("log-level='info'", "stip.log-level", "string");
  refuses("peers=\"a:1\"", "stip.peers", "list");
  refuses("peers=[1, 2]", "stip.peers", "strings");
  refuses("tokens=[1, 2]", "stip.tokens", "strings");
  refuses("input-roots=\"/data\"", "stip.input-roots", "list");
  refuses("[scheduler]\nmax-threads=\"many\"", "scheduler.max-threads");
}

CAF_TEST(a number out of its range is named with the range) {
  refuses("port=70010", "stip.port", "65535");
  refuses("port=-1", "stip.port", "0");
  refuses("token-count=0", "stip.token-count", "1");
  refuses("token-count=5000", "stip.token-count", std::to_string(defaults::max_tokens_per_node));
  refuses("memory-limit=1", "stip.memory-limit", "256");
  refuses("loader-threads=0", "stip.loader-threads");
  refuses("reader-threads=100000", "stip.reader-threads");
  refuses("free-space=-5", "stip.free-space");
  refuses("down-after=-1", "stip.down-after", "0");
  refuses("upload-space=-1", "stip.upload-space");
  refuses("upload-patience=0", "stip.upload-patience", "1");
  refuses("log-size=0", "stip.log-size");
  refuses("log-count=0", "stip.log-count");
}

CAF_TEST(tokens are 64 - bit numbers) {
  refuses("tokens=[\"18446744073709551616\"]", "stip.tokens", "18446744073709551616");
  refuses("tokens=[\"-1\"]", "stip.tokens", "-1");
  refuses("tokens=[\"12x\"]", "stip.tokens", "12x");
  refuses("tokens=[\"\"]", "stip.tokens");
}

CAF_TEST(peers are addresses) {
  refuses("peers=[\"10.0.0.2\"]", "stip.peers", "10.0.0.2");
  refuses("peers=[\"a:0\"]", "stip.peers", "a:0");
  refuses("peers=[\"a:70000\"]", "stip.peers", "a:70000");
  refuses("peers=[\":15606\"]", "stip.peers", ":15606");
  refuses("peers=[\"\"]", "stip.peers");
}

CAF_TEST(encryption is refused as long as there is none) {
  for (const std::string key : {"tls-ca", "tls-cert", "tls-key"})
    refuses(key + "=\"/etc/x.pem\"", "stip." + key, "not there yet");
}

CAF_TEST(an unknown log level is named with those there are) {
  refuses("log-level=\"loud\"", "stip.log-level", "warn");
}

CAF_TEST(a file that cannot be parsed is refused) {
  for (const auto* text : {"[stip]\nport==1\n", "[stip]\nhost=abc\n", "[stip\n", "# comment\n",
                           "[stip]\nport=18446744073709551615\n"})
    CAF_CHECK(!read(text));
}

CAF_TEST(a file that is not there is refused) {
  CAF_CHECK(!read_file(files / "missing.ini", {"--stip.directory=/d"}));
}

CAF_TEST(words that no option takes are refused) {
  const auto settings = read("[stip]\ndirectory=\"/d\"\n", {"start"});
  CAF_REQUIRE(!settings);
  CAF_CHECK(to_string(settings.error()).find("start") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
