#define CAF_SUITE cli.history

#include "apps/stip/history.hpp"

#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::cli;
using namespace stip::test;
namespace fs = std::filesystem;

namespace {

using lines = std::vector<std::string>;

struct fixture {
  scratch_directory files;
  std::string path = files / "state/stip/history";

  lines load() {
    history_file file{path};
    auto found = file.load();
    if (!found) CAF_FAIL(to_string(found.error()));
    return *found;
  }
  bool add(history_file& file, const std::string& line) {
    const auto kept = file.add(line);
    if (!kept) CAF_FAIL(to_string(kept.error()));
    return *kept;
  }
};

/// A variable of the environment, for a while.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) {
    if (const char* text = std::getenv(name)) before_ = text;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(history_tests, fixture)

CAF_TEST(lines last and belong to their user alone) {
  CAF_CHECK(load().empty());
  history_file file{path};
  CAF_CHECK(add(file, "node list"));
  CAF_CHECK(add(file, "album list"));
  CAF_CHECK(load() == lines({"node list", "album list"}));
  CAF_CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CAF_CHECK(fs::status(fs::path{path}.parent_path()).permissions() == fs::perms::owner_all);
  // One that others could read does not stay so.
  fs::permissions(path, fs::perms::all);
  CAF_CHECK(add(file, "task list"));
  CAF_CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

CAF_TEST(what holds nothing or repeats the line before is not kept) {
  history_file file{path};
  CAF_CHECK(!add(file, ""));
  CAF_CHECK(!add(file, "   "));
  CAF_CHECK(!fs::exists(path));
  CAF_CHECK(add(file, "a"));
  CAF_CHECK(!add(file, "a"));
  CAF_CHECK(add(file, "b"));
  CAF_CHECK(add(file, "a"));
  CAF_CHECK(!add(file, "two\nlines"));
  CAF_CHECK(!add(file, "a \x1b[31m colour"));
  CAF_CHECK(!add(file, std::string(defaults::max_shell_line_bytes + 1, 'x')));
  CAF_CHECK(load() == lines({"a", "b", "a"}));
  // Nor across sessions.
  history_file next{path};
  CAF_REQUIRE(next.load());
  CAF_CHECK(!add(next, "a"));
}

CAF_TEST(the file is bounded and keeps the latest) {
  fs::create_directories(fs::path{path}.parent_path());
  const auto most = static_cast<size_t>(defaults::shell_history_lines);
  {
    std::ofstream file{path};
    for (size_t i = 0; i < 3 * most + 7; ++i) file << "line " << i << "\n";
  }
  const auto found = load();
  const auto count = found.size();
  CAF_CHECK_EQUAL(count, most);
  CAF_CHECK_EQUAL(found.back(), "line " + std::to_string(3 * most + 6));
  CAF_CHECK_EQUAL(found.front(), "line " + std::to_string(2 * most + 7));
  std::ifstream again{path};
  size_t left = 0;
  for (std::string line; std::getline(again, line);) ++left;
  CAF_CHECK_EQUAL(left, most);
  const auto files_there =
      std::distance(fs::directory_iterator{fs::path{path}.parent_path()}, fs::directory_iterator{});
  CAF_CHECK_EQUAL(files_there, 1);
}

CAF_TEST(two sessions beside each other keep the lines of both) {
  history_file one{path}, other{path};
  add(one, "a");
  add(other, "b");
  add(one, "c");
  CAF_CHECK(load() == lines({"a", "b", "c"}));
}

CAF_TEST(control characters in the file do not reach the terminal) {
  fs::create_directories(fs::path{path}.parent_path());
  std::ofstream{path} << "fine\n\x1b]0;title\x07\n\n" << std::string(1, '\0') << "\nlast";
  CAF_CHECK(load() == lines({"fine", "last"}));
}

CAF_TEST(a place that cannot be written is an error and not a crash) {
  std::ofstream{files / "file"} << "x";
  history_file file{files / "file/history"};
  CAF_CHECK(!file.add("a"));
  history_file none{""};
  const auto kept = none.add("a");
  CAF_REQUIRE(kept);
  CAF_CHECK(!*kept);
}

CAF_TEST(the place follows the rules of XDG) {
  {
    const variable state{"XDG_STATE_HOME", "/s"}, home{"HOME", "/h"};
    CAF_CHECK_EQUAL(history_path(), "/s/stip/history");
  }
  {
    const variable state{"XDG_STATE_HOME", nullptr}, home{"HOME", "/h"};
    CAF_CHECK_EQUAL(history_path(), "/h/.local/state/stip/history");
  }
  {
    const variable state{"XDG_STATE_HOME", "relative"}, home{"HOME", "/h"};
    CAF_CHECK_EQUAL(history_path(), "/h/.local/state/stip/history");
  }
  {
    const variable state{"XDG_STATE_HOME", nullptr}, home{"HOME", nullptr};
    CAF_CHECK_EQUAL(history_path(), "");
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
