#define CAF_SUITE cli.output

#include "apps/stip/output.hpp"

#include <caf/test/unit_test.hpp>
#include <sstream>

using namespace stip;
using namespace stip::cli;

namespace {

const std::vector<column> columns = {
    {"name", "NAME"},
    {"bytes", "BYTES", shown_as::bytes},
    {"share", "SHARE", shown_as::share},
    {"parts", "PARTS", shown_as::ids},
    {"hidden", ""},
};

json row(std::string name, uint64_t bytes) {
  return {{"name", std::move(name)},
          {"bytes", bytes},
          {"share", 0.5},
          {"parts", json::array({{{"id", "10m"}}, {{"id", "20m"}}})},
          {"hidden", "h"}};
}

std::string listed(output_format format, bool quiet, const std::vector<json>& rows) {
  std::ostringstream out, err;
  output to{out, err, format, quiet};
  listing list{to, columns};
  for (const auto& r : rows) list.add(r);
  list.finish();
  return out.str();
}

}  // namespace

CAF_TEST(a table is aligned and has no blanks at the ends of lines) {
  const auto text = listed(output_format::table, false, {row("a", 1536), row("longer", 2)});
  CAF_CHECK_EQUAL(text,
                  "NAME      BYTES  SHARE  PARTS\n"
                  "a       1.5 KiB  50.0%  10m,20m\n"
                  "longer      2 B  50.0%  10m,20m\n");
}

CAF_TEST(quiet leaves the header out) {
  CAF_CHECK_EQUAL(listed(output_format::table, true, {row("a", 2)}), "a  2 B  50.0%  10m,20m\n");
  CAF_CHECK_EQUAL(listed(output_format::csv, true, {row("a", 2)}), "a,2,0.5,10m 20m,h\n");
}

CAF_TEST(a table without rows is its header) {
  CAF_CHECK_EQUAL(listed(output_format::table, false, {}), "NAME  BYTES  SHARE  PARTS\n");
}

CAF_TEST(csv is exact and quotes what it must) {
  const auto text = listed(output_format::csv, false, {row("a,\"b\"\nc", 1536)});
  CAF_CHECK_EQUAL(text, "name,bytes,share,parts,hidden\n\"a,\"\"b\"\"\nc\",1536,0.5,10m 20m,h\n");
}

CAF_TEST(a json list is one document whatever its length) {
  for (size_t count : {size_t{0}, size_t{1}, size_t{3}}) {
    const std::vector<json> rows(count, row("a", 1));
    const auto parsed = json::parse(listed(output_format::json, false, rows));
    CAF_REQUIRE(parsed.is_array());
    CAF_CHECK_EQUAL(parsed.size(), count);
    if (count > 0) CAF_CHECK(parsed.back() == rows.back());
  }
}

CAF_TEST(bytes that are no utf8 do not break the document) {
  const auto parsed = json::parse(listed(output_format::json, false, {row("\xff", 1)}));
  CAF_CHECK_EQUAL(parsed[0]["name"].get<std::string>(), "\xef\xbf\xbd");
}

CAF_TEST(nothing is shown as a dash and is empty in csv) {
  const json object = {{"name", nullptr}, {"bytes", nullptr}, {"parts", json::array()}};
  for (const auto& c : columns) {
    CAF_CHECK_EQUAL(shown(object, c), "-");
    CAF_CHECK_EQUAL(csv_value(object, c), "");
  }
}

CAF_TEST(a table that is flushed in between keeps its widths) {
  std::ostringstream out, err;
  output to{out, err, output_format::table, true};
  listing list{to, {{"name", "NAME"}, {"bytes", "BYTES", shown_as::bytes}}};
  list.add(row("abc", 5));
  list.flush();
  list.add(row("a", 5));
  list.finish();
  CAF_CHECK_EQUAL(out.str(), "abc  5 B\na    5 B\n");
}

CAF_TEST(remarks are for tables and complaints are one line each) {
  std::ostringstream out, err;
  output{out, err, output_format::json, false}.note("remark");
  output{out, err, output_format::table, true}.note("remark");
  CAF_CHECK_EQUAL(out.str(), "");
  output{out, err, output_format::table, false}.note("remark");
  CAF_CHECK_EQUAL(out.str(), "remark\n");
  output{out, err, output_format::json, true}.complain(error{ec::io_error, "a", "b\nc", "d"});
  CAF_CHECK_EQUAL(err.str(), "stip: a: b c; d\n");
}
