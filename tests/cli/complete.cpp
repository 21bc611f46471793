#define CAF_SUITE cli.complete

#include "apps/stip/complete.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "apps/stip/parse.hpp"
#include "apps/stip/settings.hpp"
#include "libstip/format/format.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::cli;
using namespace stip::test;

namespace {

using words = std::vector<std::string>;

/// A cluster that the test writes; notes what was asked of it.
struct fake_names : name_source {
  words asked;

  words albums() override { return note("albums"), words{"olinda", "oslo", "two words"}; }
  words tasks() override { return note("tasks"), words{"t-2", "t-1", "t-1"}; }
  words nodes() override { return note("nodes"), words{"5f0c", "ab12"}; }
  words platforms(const std::string& album) override {
    note("platforms of " + album);
    return {"Landsat7", "Landsat8", "Sentinel 2"};
  }
  words sources(const std::string& album) override {
    note("sources of " + album);
    return {"raw", "split"};
  }
  words geocodes(const std::string& album, const std::string& prefix) override {
    note("geocodes of " + album + " below " + prefix);
    return {prefix + "a", prefix + "b"};
  }

 private:
  void note(const std::string& what) { asked.push_back(what); }
};

struct fixture {
  fake_names names;

  completion typed(const std::string& line) {
    return complete("stip " + line, typed_in::command_line, names);
  }
  completion in_shell(const std::string& line) { return complete(line, typed_in::shell, names); }

  static bool has(const completion& found, const std::string& word) {
    return std::find(found.words.begin(), found.words.end(), word) != found.words.end();
  }
  /// The completed word begins at that byte of what was typed after "stip ".
  void offers(const std::string& line, const words& wanted, size_t begin) {
    const auto found = typed(line);
    if (found.words != wanted) {
      std::string list;
      for (const auto& word : found.words) list += " " + word;
      CAF_ERROR("after '" << line << "':" << list);
    }
    const auto from = found.begin;
    CAF_CHECK_EQUAL(from, begin + 5);
    const auto again = in_shell(line);
    CAF_CHECK(again.words == wanted);
    CAF_CHECK(!found.files);
  }
  void offers_files(const std::string& line) {
    CAF_CHECK(typed(line).files);
    CAF_CHECK(in_shell(line).files);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(complete_tests, fixture)

CAF_TEST(every noun and every verb that is there is offered) {
  const auto first = typed("");
  for (const auto& n : nouns()) {
    CAF_CHECK(has(first, std::string{n.name}));
    if (n.stands_alone()) continue;
    const auto second = typed(std::string{n.name} + " ");
    for (const auto& v : n.verbs)
      CAF_CHECK_EQUAL(has(second, std::string{v.name}), v.run != nullptr);
  }
  offers("no", {"node"}, 0);
  offers("image s", {"search", "show", "split", "store"}, 6);
  offers("image xyz", {}, 6);
  offers("nonsense ", {}, 9);
  CAF_CHECK(names.asked.empty());
}

CAF_TEST(every option that is there is offered after its verb and is understood) {
  for (const auto& n : nouns())
    for (const auto& v : n.verbs) {
      if (v.run == nullptr || n.stands_alone()) continue;
      const auto found = typed(std::string{n.name} + " " + std::string{v.name} + " -");
      size_t there = 0;
      for (const auto& o : all_options(v)) {
        CAF_CHECK_EQUAL(has(found, "--" + std::string{o.name}), o.is == availability::there);
        there += o.is == availability::there ? 1 : 0;
      }
      const auto count = found.words.size();
      CAF_CHECK_EQUAL(count, there);
    }
  CAF_CHECK(names.asked.empty());
}

CAF_TEST(an option that is given is not offered again) {
  CAF_CHECK(has(typed("image list a --"), "--platform"));
  CAF_CHECK(!has(typed("image list a -p x --"), "--platform"));
  CAF_CHECK(!has(typed("image list a --platform=x --"), "--platform"));
  CAF_CHECK(!has(typed("image list a -rp x --"), "--recurse"));
  offers("image list a --pl", {"--platform"}, 13);
  // After two dashes there are no options any more.
  CAF_CHECK(typed("image list -- --").words.empty());
}

CAF_TEST(global options stand before the noun and only there) {
  CAF_CHECK(has(typed("--"), "--port"));
  CAF_CHECK(!has(typed("--"), "--tls-ca"));
  CAF_CHECK(!has(typed("node list --"), "--port"));
  offers("--format ", {"csv", "json", "table"}, 9);
  offers("--format j", {"json"}, 9);
  offers("--format=j", {"json"}, 9);
  offers("-q --format json al", {"album"}, 17);
  CAF_CHECK(typed("-p ").words.empty());
  offers("-p 15607 al", {"album"}, 9);
  // The shell has its node already.
  CAF_CHECK(in_shell("--").words == words({"--format", "--quiet"}));
}

CAF_TEST(albums are offered where one is wanted and nowhere else) {
  offers("image list ", {"olinda", "oslo", "two words"}, 11);
  offers("image list ol", {"olinda"}, 11);
  offers("image list -r ol", {"olinda"}, 14);
  offers("album show o", {"olinda", "oslo"}, 11);
  offers("node locate 7nk --album os", {"oslo"}, 24);
  offers("node locate 7nk --album=os", {"oslo"}, 24);
  names.asked.clear();
  // A new album's name is not one that there is.
  offers("album create ", {}, 13);
  offers("image list olinda ", {}, 18);
  CAF_CHECK(names.asked.empty());
}

CAF_TEST(platforms and sources are those of the album) {
  offers("image list olinda -p ", {"Landsat7", "Landsat8", "Sentinel 2"}, 21);
  offers("image list olinda --platform=S", {"Sentinel 2"}, 29);
  offers("image search oslo -r --source s", {"split"}, 30);
  CAF_CHECK(names.asked.front() == "platforms of olinda");
  CAF_CHECK(names.asked.back() == "sources of oslo");
  names.asked.clear();
  offers("image list -p ", {}, 14);
  CAF_CHECK(names.asked.empty());
}

CAF_TEST(geocodes grow by one character) {
  offers("image list olinda -g 7n", {"7na", "7nb"}, 21);
  CAF_CHECK(names.asked.front() == "geocodes of olinda below 7n");
  CAF_CHECK(typed("image list olinda -g 7n").open);
  CAF_CHECK(!typed("image list o").open);
}

CAF_TEST(tasks and nodes are offered by their ids) {
  offers("task wait ", {"t-1", "t-2"}, 10);
  offers("task stop t-2", {"t-2"}, 10);
  offers("node show a", {"ab12"}, 10);
  offers("image store olinda x.tif auto -d t", {"t-1", "t-2"}, 33);
}

CAF_TEST(words of closed sets are offered and accepted) {
  offers("image index a nd", {"ndbi", "ndsi", "ndvi", "ndwi"}, 14);
  offers("image filter a b", {"blur"}, 15);
  offers("album create a ", {"geohash", "quadtile"}, 15);
  offers("image export a --as p", {"png"}, 20);
  for (const auto& field : typed("image list a --sort ").words)
    CAF_CHECK(parse_sort_field(field).has_value());
  CAF_CHECK(has(typed("image list a --sort "), "timestamp"));
  CAF_CHECK(has(typed("image list a --sort "), "key"));
  const auto found = typed("image store a x.tif ");
  CAF_CHECK(has(found, "auto"));
  for (const auto& f : formats()) CAF_CHECK(has(found, std::string{f.name}));
}

CAF_TEST(files are offered where one is wanted) {
  offers_files("image store a ");
  offers_files("image probe a.tif b.tif ");
  offers_files("image export a --to ");
  offers_files("image show a k --png=x");
  offers_files("--embedded ");
  CAF_CHECK(!typed("image list a ").files);
}

CAF_TEST(quotes and backslashes do not hide what is typed) {
  offers("album show \"two wo", {"two words"}, 11);
  offers("album show 'two", {"two words"}, 11);
  offers("album show two\\ w", {"two words"}, 11);
  offers("image list 'two words' -p La", {"Landsat7", "Landsat8"}, 26);
  CAF_CHECK(names.asked.back() == "platforms of two words");
}

CAF_TEST(the shell has words of its own) {
  for (const auto* word : {"help", "watch", "exit"}) {
    CAF_CHECK(has(in_shell(""), word));
    CAF_CHECK(!has(typed(""), word));
  }
  CAF_CHECK(!has(in_shell(""), "shell"));
  CAF_CHECK(in_shell("watch im").words == words{"image"});
  CAF_CHECK(in_shell("watch -n 5 task w").words == words{"wait"});
  CAF_CHECK(in_shell("watch -").words == words{"-n"});
  CAF_CHECK(in_shell("watch -n ").words.empty());
  CAF_CHECK(!has(in_shell("watch "), "watch"));
  CAF_CHECK(in_shell("watch -n 5 image list ol").words == words{"olinda"});
  CAF_CHECK(in_shell("help im").words == words{"image"});
  CAF_CHECK(has(in_shell("help image "), "list"));
  CAF_CHECK(in_shell("help image list ").words.empty());
  CAF_CHECK(in_shell("stip node sh").words == words{"show"});
  CAF_CHECK(in_shell("exit ").words.empty());
}

CAF_TEST(no line is too odd to be completed) {
  const std::string line =
      "stip -q --format=json image list 'two words' -rp \"a\\\" b\" -g7n --sort=t ";
  for (size_t end = 0; end <= line.size(); ++end)
    for (const auto where : {typed_in::command_line, typed_in::shell}) {
      const auto begin = line.substr(0, end);
      const auto found = complete(begin, where, names);
      CAF_CHECK(found.begin <= begin.size());
    }
  for (const auto* odd : {"=", "--=", "-", "--", "'", "\"", "\\", "stip", "stip --=x", "stip -p",
                          "stip image list --=", "watch", "watch -n", "help", "stip - "})
    for (const auto where : {typed_in::command_line, typed_in::shell}) {
      const auto found = complete(odd, where, names);
      CAF_CHECK(found.begin <= std::string{odd}.size());
    }
}

CAF_TEST(files begin as typed and folders end with a slash) {
  const scratch_directory files;
  std::filesystem::create_directories(files / "images");
  for (const std::string name : {"a.tif", "b.tif", ".hidden"}) std::ofstream{files / name} << "x";
  const std::string folder = files / "";
  auto found = files_like(folder);
  std::sort(found.begin(), found.end());
  CAF_CHECK(found == words({folder + "a.tif", folder + "b.tif", folder + "images/"}));
  CAF_CHECK(files_like(folder + "im") == words{folder + "images/"});
  CAF_CHECK(files_like(folder + ".h") == words{folder + ".hidden"});
  CAF_CHECK(files_like(folder + "none/").empty());
}

CAF_TEST(the common begin never ends within a character) {
  CAF_CHECK_EQUAL(common_begin({}), "");
  CAF_CHECK_EQUAL(common_begin({"store"}), "store");
  CAF_CHECK_EQUAL(common_begin({"store", "stop", "st"}), "st");
  CAF_CHECK_EQUAL(common_begin({"a\xc3\xa9", "a\xc3\xa8"}), "a");
  CAF_CHECK_EQUAL(common_begin({"\xc3\xa9x", "\xc3\xa9y"}), "\xc3\xa9");
}

CAF_TEST(a quoted word is read as itself) {
  for (const std::string word :
       {"plain", "two words", "it's", "say \"hi\"", "back\\slash", "t\tb"}) {
    const auto line = split_line("x " + quoted(word));
    CAF_REQUIRE(line);
    CAF_CHECK(*line == words({"x", word}));
  }
}

CAF_TEST(options of a mosaic complete and a value of two words is passed over) {
  offers("image mosaic olinda --pick ", {"first", "latest", "least-cloud", "mean", "median"}, 27);
  offers("image mosaic olinda --resampling c", {"cubic"}, 33);
  offers("image mosaic olinda --stretch ", {"percentile"}, 30);
  offers("image mosaic olinda --colors v", {"viridis"}, 29);
  offers("image mosaic --corners 1,2 3,4 ol", {"olinda"}, 31);
  offers("image mosaic --stretch 1,2 ol", {"olinda"}, 27);
  offers("image mosaic --stretch percentile 1,2 os", {"oslo"}, 38);
  offers_files("image mosaic olinda --to ");
  offers_files("image search olinda --map ");
}

CAF_TEST_FIXTURE_SCOPE_END()
