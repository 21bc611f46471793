#define CAF_SUITE cli.human

#include "apps/stip/human.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;
using namespace stip::cli;

CAF_TEST(bytes are shown in powers of 1024 with one digit) {
  CAF_CHECK_EQUAL(human_bytes(0), "0 B");
  CAF_CHECK_EQUAL(human_bytes(1023), "1023 B");
  CAF_CHECK_EQUAL(human_bytes(1024), "1.0 KiB");
  CAF_CHECK_EQUAL(human_bytes(1536), "1.5 KiB");
  CAF_CHECK_EQUAL(human_bytes(uint64_t{1} << 20), "1.0 MiB");
  // Never 1024.0 of a unit.
  CAF_CHECK_EQUAL(human_bytes((uint64_t{1} << 20) - 1), "1.0 MiB");
  CAF_CHECK_EQUAL(human_bytes(UINT64_MAX), "16.0 EiB");
}

CAF_TEST(a share that is not whole is never shown as nothing or all) {
  CAF_CHECK_EQUAL(human_share(0), "0.0%");
  CAF_CHECK_EQUAL(human_share(1), "100.0%");
  CAF_CHECK_EQUAL(human_share(0.123), "12.3%");
  CAF_CHECK_EQUAL(human_share(0.0001), "<0.1%");
  CAF_CHECK_EQUAL(human_share(0.9999), ">99.9%");
}

CAF_TEST(durations have the two largest units) {
  CAF_CHECK_EQUAL(human_duration(-5), "0.0 s");
  CAF_CHECK_EQUAL(human_duration(450), "0.5 s");
  CAF_CHECK_EQUAL(human_duration(59'999), "59 s");
  CAF_CHECK_EQUAL(human_duration(61'000), "1 min 1 s");
  CAF_CHECK_EQUAL(human_duration(7'260'000), "2 h 1 min");
}

CAF_TEST(a text cannot leave its line or colour the terminal) {
  CAF_CHECK_EQUAL(printable("a\nb\x1b[31mc\n"), "a b [31mc");
  CAF_CHECK_EQUAL(printable("caf\xc3\xa9"), "caf\xc3\xa9");
}

CAF_TEST(code points are counted and not bytes) {
  CAF_CHECK_EQUAL(shown_width("caf\xc3\xa9"), 4u);
  CAF_CHECK_EQUAL(shown_width(""), 0u);
}

CAF_TEST(the progress fits its width and says done and total and what is left) {
  task_record task;
  task.completed = 2;
  task.skipped = 1;
  task.total = 6;
  task.bytes = 30'000'000;
  task.started_ms = 1'000;
  const auto line = progress_line(task, 4'000, 120);
  CAF_MESSAGE(line);
  CAF_CHECK(line.find("###############...............") != std::string::npos);
  CAF_CHECK(line.find("3/6 (1 skipped)") != std::string::npos);
  CAF_CHECK(line.find("10.0 MB/s") != std::string::npos);
  CAF_CHECK(line.find("3.0 s left") != std::string::npos);
  for (size_t width = 0; width < 130; ++width)
    CAF_CHECK(progress_line(task, 4'000, width).size() <= width);
}

CAF_TEST(the progress of a task without inputs divides by nothing) {
  const auto line = progress_line(task_record{}, 0, 80);
  CAF_CHECK(line.find("0/0") != std::string::npos);
}
