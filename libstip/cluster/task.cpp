#include "libstip/cluster/task.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t task_record_form = 1;

constexpr double ms_a_second = 1000;

/// Bytes of an encoded error at least: two empty texts and a node.
constexpr size_t min_error_bytes = 10;

/// A text cut to the bound, not within a UTF-8 character.
std::string cut(std::string text) {
  if (text.size() <= defaults::max_task_text_bytes) return text;
  auto end = defaults::max_task_text_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

int64_t elapsed_ms(const task_record& task, int64_t now_ms) {
  return std::max<int64_t>((task.running() ? now_ms : task.ended_ms) - task.started_ms, 0);
}

}  // namespace

void add(uint64_t& counter, uint64_t more) {
  counter += std::min(more, std::numeric_limits<uint64_t>::max() - counter);
}

void keep_total(task_record& task) {
  auto through = task.completed;
  add(through, task.skipped);
  task.total = std::max(task.total, through);
}

std::string_view to_string(task_state state) {
  switch (state) {
    case task_state::running:
      return "running";
    case task_state::done:
      return "done";
    case task_state::failed:
      return "failed";
    case task_state::stopped:
      return "stopped";
  }
  return "unknown";
}

void add_error(task_record& task, task_error err) {
  if (task.errors.size() >= defaults::max_task_errors) return add(task.dropped_errors, 1);
  err.input = cut(std::move(err.input));
  err.reason = cut(std::move(err.reason));
  task.errors.push_back(std::move(err));
}

void add_last_error(task_record& task, task_error err) {
  if (task.errors.size() >= defaults::max_task_errors) {
    task.errors.resize(defaults::max_task_errors - 1);
    add(task.dropped_errors, 1);
  }
  add_error(task, std::move(err));
}

double bytes_per_second(const task_record& task, int64_t now_ms) {
  const auto elapsed = elapsed_ms(task, now_ms);
  return elapsed == 0 ? 0 : static_cast<double>(task.bytes) * ms_a_second / double(elapsed);
}

std::optional<int64_t> time_left_ms(const task_record& task, int64_t now_ms) {
  const auto through = static_cast<double>(task.completed) + static_cast<double>(task.skipped);
  if (!task.running() || through == 0) return {};
  const auto open = std::max(static_cast<double>(task.total) - through, 0.0);
  const auto left = open / through * static_cast<double>(elapsed_ms(task, now_ms));
  // A double that is no int64 would be undefined behaviour to convert.
  if (left >= 0x1p62) return {};
  return static_cast<int64_t>(left);
}

std::string encode(const task_record& task) {
  packed_writer out;
  out.u8(task_record_form).text(task.id).text(task.kind).text(task.album);
  out.u8(static_cast<uint8_t>(task.state));
  out.varint(task.completed).varint(task.skipped).varint(task.total).varint(task.bytes);
  out.i64(task.started_ms).i64(task.ended_ms).stamp(task.began).u64(task.node);
  out.varint(task.dropped_errors).varint(task.errors.size());
  for (const auto& err : task.errors) out.text(err.input).u64(err.node).text(err.reason);
  return out.take();
}

result<task_record> decode_task_record(std::string_view bytes) {
  packed_reader in{"task", bytes};
  in.expect_version(task_record_form);
  task_record task;
  task.id = in.text(defaults::max_task_id_bytes);
  task.kind = in.text(defaults::max_name_bytes);
  task.album = in.text(defaults::max_name_bytes);
  const auto state = in.u8();
  in.expect(state <= static_cast<uint8_t>(task_state::stopped), "the state is unknown");
  task.state = static_cast<task_state>(state);
  task.completed = in.varint();
  task.skipped = in.varint();
  task.total = in.varint();
  task.bytes = in.varint();
  task.started_ms = in.i64();
  task.ended_ms = in.i64();
  task.began = in.stamp();
  task.node = in.u64();
  task.dropped_errors = in.varint();
  task.errors.resize(in.count(defaults::max_task_errors, min_error_bytes));
  for (auto& err : task.errors) {
    err.input = in.text(defaults::max_task_text_bytes);
    err.node = in.u64();
    err.reason = in.text(defaults::max_task_text_bytes);
  }
  STIP_TRY(in.finish());
  return task;
}

result<void> check_task_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (id.empty() || id.size() > defaults::max_task_id_bytes ||
      !std::all_of(id.begin(), id.end(), allowed))
    return fail(ec::invalid_argument,
                "take the task id '" + std::string(id.substr(0, defaults::max_task_id_bytes)) + "'",
                "it is not 1 to " + std::to_string(defaults::max_task_id_bytes) +
                    " of the characters A-Z a-z 0-9 . _ -",
                "choose another id, or none");
  return {};
}

}  // namespace stip
