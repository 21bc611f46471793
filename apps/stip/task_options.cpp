#include "apps/stip/task_options.hpp"

#include "apps/stip/follow.hpp"
#include "apps/stip/objects.hpp"

namespace stip::cli {

namespace {
constexpr int64_t max_precision = 29;
constexpr int64_t max_threads = 1024;
}  // namespace

std::vector<option> task_options() {
  return {{"threads", 't', "THREADS", "threads on a node (as many as it has cores)"},
          {"task", 'd', "TASK", "a task id of your choice; one that runs is joined"},
          {"detach", '\0', "", "do not wait for the end"}};
}

result<task_options_given> wanted_task(const arguments& given) {
  task_options_given out;
  STIP_ASSIGN(const auto threads, given.number("threads", 0, 1, max_threads));
  out.threads = static_cast<uint32_t>(threads);
  out.id = given.text("task");
  if (given.has("task")) STIP_TRY(check_task_id(out.id));
  return out;
}

option precision_option() {
  return {"precision", 'l', "PRECISION", "length of the geocodes: geohash 1-12, quadtile 1-29"};
}

result<int32_t> wanted_precision(const arguments& given, const std::string& command) {
  if (!given.has("precision"))
    return fail(ec::invalid_argument, command, "-l PRECISION is missing",
                "give the length of the geocodes, e.g. -l 5");
  STIP_ASSIGN(const auto precision, given.number("precision", 0, 1, max_precision));
  return static_cast<int32_t>(precision);
}

result<void> check_detach(context& with, const arguments& given, const std::string& command) {
  if (!given.has("detach") || !with.global().embedded) return {};
  return fail(ec::invalid_argument, command + " --detach",
              "the embedded node ends with this command", "leave out --detach");
}

result<int> follow_or_leave(context& with, const arguments& given, const client& node,
                            task_record task) {
  announce(with, task);
  if (!given.has("detach")) return follow(with, node, std::move(task));
  if (!with.out().is_table()) with.out().object(task_object(task, now_ms()), task_columns());
  return done;
}

}  // namespace stip::cli
