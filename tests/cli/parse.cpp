#define CAF_SUITE cli.parse

#include "apps/stip/parse.hpp"

#include <caf/test/unit_test.hpp>

#include "apps/stip/help.hpp"

using namespace stip;
using namespace stip::cli;

namespace {

using words = std::vector<std::string>;

arguments parsed(const words& line) {
  auto call = parse_command(line);
  if (!call) CAF_FAIL(to_string(call.error()));
  return call->given;
}

ec code_of(const words& line) {
  const auto call = parse_command(line);
  return call ? ec::none : call.error().code;
}

}  // namespace

CAF_TEST(arguments and options may be mixed) {
  const auto given = parsed({"image", "store", "a", "-l", "5", "*.tif", "auto", "--all-nodes"});
  CAF_CHECK(given.words == words({"a", "*.tif", "auto"}));
  CAF_CHECK_EQUAL(given.text("precision"), "5");
  CAF_CHECK(given.has("all-nodes"));
  CAF_CHECK(!given.has("threads"));
}

CAF_TEST(values may begin with a dash) {
  CAF_CHECK_EQUAL(parsed({"album", "create", "a", "geohash", "-d", "-2"}).text("key_length"), "-2");
  CAF_CHECK_EQUAL(parsed({"image", "list", "a", "--bbox", "-10,-5,10,5"}).text("bbox"),
                  "-10,-5,10,5");
  CAF_CHECK_EQUAL(parsed({"image", "list", "a", "--bbox=-10,-5,10,5"}).text("bbox"), "-10,-5,10,5");
  CAF_CHECK_EQUAL(parsed({"image", "list", "a", "-a", "-1000"}).text("start_timestamp"), "-1000");
  CAF_CHECK_EQUAL(parsed({"image", "store", "a", "g", "auto", "-l5"}).text("precision"), "5");
}

CAF_TEST(a value may have two words) {
  const auto given = parsed({"image", "mosaic", "--corners", "-34.9,-8.1", "-34.8,-7.9", "a",
                             "--to", "x.tif"});
  CAF_CHECK_EQUAL(given.text("corners"), "-34.9,-8.1 -34.8,-7.9");
  CAF_CHECK_EQUAL(given.text("to"), "x.tif");
  CAF_CHECK(given.words == words({"a"}));
  CAF_CHECK_EQUAL(parsed({"image", "mosaic", "--corners=-1,2", "-3,4", "a"}).text("corners"),
                  "-1,2 -3,4");
  CAF_CHECK_EQUAL(parsed({"image", "mosaic", "a", "--corners", "1,2 3,4"}).text("corners"),
                  "1,2 3,4");
  // The next option is no value.
  CAF_CHECK_EQUAL(parsed({"image", "mosaic", "a", "--corners", "1,2", "--to", "x"}).text("corners"),
                  "1,2");
  CAF_CHECK(code_of({"image", "mosaic", "a", "--corners"}) == ec::invalid_argument);
}

CAF_TEST(after two dashes everything is a word) {
  CAF_CHECK(parsed({"image", "probe", "--", "-l", "-h"}).words == words({"-l", "-h"}));
}

CAF_TEST(the filter of a command is the one of all) {
  const auto given = parsed({"image", "list", "a", "-p", "L*", "-g", "7n", "-r", "-c", "0.5", "-x",
                             "0.25", "--tile", "t", "--sort", "key", "--limit", "3"});
  const auto match = given.filter();
  CAF_REQUIRE(match);
  CAF_CHECK_EQUAL(*match->platform, "L*");
  CAF_CHECK_EQUAL(*match->geocode, "7n");
  CAF_CHECK(match->recurse);
  CAF_CHECK_EQUAL(*match->cloud_coverage, 0.5);
  CAF_CHECK_EQUAL(*match->pixel_coverage, 0.25);
  CAF_CHECK_EQUAL(*match->tile, "t");
  const auto order = given.order();
  CAF_REQUIRE(order);
  CAF_CHECK(*order == sort_field::key);
}

CAF_TEST(wrong usage is an invalid argument) {
  CAF_CHECK(code_of({"imag", "list"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "lists"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list", "a", "b"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list", "a", "--plat", "x"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list", "a", "-p"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list", "a", "-p", "x", "-p", "y"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "list", "a", "-r", "-r"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "filter", "a"}) == ec::invalid_argument);
  CAF_CHECK(code_of({"image", "filter", "a", "blur", "-w", "5"}) == ec::invalid_argument);
}

CAF_TEST(numbers are whole and within their range) {
  arguments given;
  given.options = {{"n", "12"}, {"text", "12x"}, {"empty", ""}, {"big", "99999999999999999999"}};
  const auto in = given.number("n", 0, 1, 12);
  CAF_REQUIRE(in);
  CAF_CHECK_EQUAL(*in, 12);
  const auto absent = given.number("absent", 7, 1, 2);
  CAF_REQUIRE(absent);
  CAF_CHECK_EQUAL(*absent, 7);
  CAF_CHECK(!given.number("n", 0, 1, 11));
  for (const auto* name : {"text", "empty", "big"}) CAF_CHECK(!given.number(name, 0, 0, 1000));
}

CAF_TEST(the noun begins after the global options and their values) {
  const std::vector<option> known = {{"port", 'p', "PORT", ""}, {"quiet", 'q', "", ""}};
  CAF_CHECK_EQUAL(leading_options(known, {}), 0u);
  CAF_CHECK_EQUAL(leading_options(known, {"node"}), 0u);
  CAF_CHECK_EQUAL(leading_options(known, {"-p", "1", "node"}), 2u);
  CAF_CHECK_EQUAL(leading_options(known, {"-p1", "node"}), 1u);
  CAF_CHECK_EQUAL(leading_options(known, {"-qp", "1", "node"}), 2u);
  CAF_CHECK_EQUAL(leading_options(known, {"-pq", "node"}), 1u);
  CAF_CHECK_EQUAL(leading_options(known, {"--port=1", "node", "-q"}), 1u);
  CAF_CHECK_EQUAL(leading_options(known, {"--port", "1", "node"}), 2u);
  CAF_CHECK_EQUAL(leading_options(known, {"--port"}), 1u);
}

CAF_TEST(lines are split as a shell does) {
  const auto split = [](const std::string& line) {
    auto out = split_line(line);
    if (!out) CAF_FAIL(to_string(out.error()));
    return *out;
  };
  CAF_CHECK(split("") == words{});
  CAF_CHECK(split("  a  b\t") == words({"a", "b"}));
  CAF_CHECK(split("a 'b c' \"d 'e\"") == words({"a", "b c", "d 'e"}));
  CAF_CHECK(split("a\\ b \"\\\"\" '\\'") == words({"a b", "\"", "\\"}));
  CAF_CHECK(split("'' x\"\"y") == words({"", "xy"}));
  CAF_CHECK(!split_line("a 'b"));
}

CAF_TEST(every noun and verb explains itself with an example) {
  CAF_CHECK(explain({}).find("\nExample:\n  stip ") != std::string::npos);
  for (const auto& n : nouns()) {
    if (!n.stands_alone())
      CAF_CHECK(explain({&n, nullptr, true, {}}).find("\nExample:\n  stip ") != std::string::npos);
    for (const auto& v : n.verbs) {
      const auto text = explain({&n, &v, true, {}});
      CAF_CHECK(text.find("\nExample:\n  ") != std::string::npos);
      CAF_CHECK(!v.summary.empty());
      for (const auto& o : all_options(v))
        CAF_CHECK(text.find("--" + std::string{o.name}) != std::string::npos);
    }
  }
}

CAF_TEST(the examples of help are understood) {
  for (const auto& n : nouns())
    for (const auto& v : n.verbs) {
      if (v.run == nullptr || n.stands_alone()) continue;
      auto line = split_line(std::string{v.example});
      CAF_REQUIRE(line);
      CAF_REQUIRE_EQUAL(line->front(), "stip");
      line->erase(line->begin());
      const auto call = parse_command(*line);
      if (!call) CAF_FAIL(to_string(call.error()));
      CAF_CHECK(call->what == &v);
    }
}

CAF_TEST(no two options of a verb share a name) {
  for (const auto& n : nouns())
    for (const auto& v : n.verbs) {
      const auto options = all_options(v);
      for (size_t i = 0; i < options.size(); ++i)
        for (size_t k = 0; k < i; ++k) {
          CAF_CHECK(options[i].name != options[k].name);
          CAF_CHECK(options[i].short_name == '\0' ||
                    options[i].short_name != options[k].short_name);
        }
    }
}
