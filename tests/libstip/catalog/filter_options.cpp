#define CAF_SUITE catalog.filter_options
#include "libstip/catalog/filter_options.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <set>

using namespace stip;

CAF_TEST(every option of the filter is read) {
  const auto f = parse_filter({{"platform", "Sentinel-2*"},
                               {"source", "raw"},
                               {"geocode", "9x"},
                               {"recurse", ""},
                               {"start_timestamp", "2020-07-14"},
                               {"end_timestamp", "1594749731"},
                               {"cloud_coverage", "0.25"},
                               {"pixel_coverage", "1"},
                               {"bbox", "170.5,-10,-170,1e1"},
                               {"tile", "T13"},
                               {"sort", "geocode"}});
  CAF_REQUIRE(f);
  filter wanted;
  wanted.platform = "Sentinel-2*";
  wanted.source = "raw";
  wanted.geocode = "9x";
  wanted.recurse = true;
  wanted.start = 1594684800;
  wanted.end = 1594749731;
  wanted.cloud_coverage = 0.25;
  wanted.pixel_coverage = 1;
  wanted.bbox = lon_lat_box{170.5, -10, -170, 10};
  wanted.tile = "T13";
  CAF_CHECK(*f == wanted);
}

CAF_TEST(each option of the table is known to the reader and named once) {
  std::set<std::string_view> names;
  std::set<char> letters;
  for (const auto& option : filter_options()) {
    CAF_CHECK(names.insert(option.name).second);
    if (option.short_name != '\0') CAF_CHECK(letters.insert(option.short_name).second);
    CAF_CHECK(!option.help.empty());
    const auto read = parse_filter({{std::string(option.name), "\1"}});
    CAF_CHECK(!read);
    if (!read) CAF_CHECK(read.error().why != "no such option");
  }
  CAF_CHECK_EQUAL(std::string(letters.begin(), letters.end()), "acegprsx");
}

CAF_TEST(what is no value is refused with the name of its option) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong = {
      {"cloud_coverage", {"", "x", "1.5", "-0.1", "nan", "inf", "0.5 ", " 0.5", "0.5x", "0,5"}},
      {"pixel_coverage", {"", "2", "1e3"}},
      {"start_timestamp", {"", "yesterday", "2020-13-01"}},
      {"end_timestamp", {"2020-02-30"}},
      {"bbox",
       {"", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,,4", "1, 2,3,4", "0,5,1,4", "-181,0,0,1",
        "nan,0,1,1"}},
      {"recurse", {"yes"}},
      {"sort", {"", "size"}},
      {"colour", {"red"}}};
  for (const auto& [name, texts] : wrong)
    for (const auto& text : texts) {
      const auto f = parse_filter({{name, text}});
      CAF_REQUIRE(!f);
      CAF_CHECK(f.error().code == ec::invalid_argument);
      CAF_CHECK(f.error().what.find("--" + name) == 0);
    }
}

CAF_TEST(options that contradict each other are refused) {
  CAF_CHECK(!parse_filter({{"start_timestamp", "2021"}, {"end_timestamp", "2020"}}));
  CAF_CHECK(!parse_filter({{"recurse", ""}}));
  CAF_CHECK(parse_filter({{"recurse", "false"}}).has_value());
  CAF_CHECK(parse_filter({}).has_value());
}

CAF_TEST(the order is timestamp unless another is asked for) {
  const auto plain = parse_order({});
  const auto other = parse_order({{"sort", "cloud_coverage"}});
  CAF_REQUIRE(plain && other);
  CAF_CHECK(*plain == sort_field::timestamp);
  CAF_CHECK(*other == sort_field::cloud_coverage);
  CAF_CHECK(!parse_order({{"sort", "colour"}}));
}
