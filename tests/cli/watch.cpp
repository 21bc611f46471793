#define CAF_SUITE cli.watch

#include "apps/stip/watch.hpp"

#include <caf/test/unit_test.hpp>
#include <csignal>
#include <sstream>

#include "apps/stip/terminal.hpp"

using namespace stip;
using namespace stip::cli;

namespace {

size_t count(const std::string& text, const std::string& what) {
  size_t out = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++out;
  return out;
}

}  // namespace

CAF_TEST(a frame fits the terminal and says what does not ) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "row " + std::to_string(i) + " of a longer line\n";
  for (size_t rows = 1; rows < 50; ++rows) {
    const auto frame = draw_frame("title", text, rows, 12);
    // The last row stays free for the cursor: nothing scrolls.
    CAF_CHECK(count(frame, "\n") <= std::max<size_t>(1, rows - 1));
    CAF_CHECK_EQUAL(count(frame, "and "), rows <= 32 ? 1u : 0u);
  }
  const auto frame = draw_frame("title", text, 10, 80);
  CAF_CHECK(frame.find("row 5 ") != std::string::npos);
  CAF_CHECK(frame.find("row 6 ") == std::string::npos);
  CAF_CHECK(frame.find("... and 24 more lines") != std::string::npos);
  // What an earlier, longer frame left is erased, in each line and below.
  CAF_CHECK_EQUAL(count(frame, "\033[K"), 9u);
  CAF_CHECK_EQUAL(count(frame, "\033[J"), 1u);
}

CAF_TEST(lines are cut between characters) {
  CAF_CHECK_EQUAL(cut_to_width("caf\xc3\xa9s", 4), "caf\xc3\xa9");
  CAF_CHECK_EQUAL(cut_to_width("caf\xc3\xa9s", 3), "caf");
  CAF_CHECK_EQUAL(cut_to_width("caf", 80), "caf");
  CAF_CHECK_EQUAL(cut_to_width("caf", 0), "");
}

CAF_TEST(an interrupt is seen while it is watched and ends listings) {
  std::ostringstream text;
  const output out{text, text, output_format::table, false};
  {
    const interrupt_watch outer{interrupt_watch::second::ends};
    CAF_CHECK(!interrupted());
    CAF_CHECK(out.good());
    ::raise(SIGINT);
    CAF_CHECK(outer.interrupted());
    CAF_CHECK(!out.good());
    {
      interrupt_watch inner{interrupt_watch::second::counts};
      CAF_CHECK(!inner.interrupted());
      ::raise(SIGINT);
      ::raise(SIGINT);
      CAF_CHECK(inner.again());
      inner.forget();
      CAF_CHECK(!interrupted());
    }
  }
  CAF_CHECK(!interrupted());
  CAF_CHECK(out.good());
}
