#include "libstip/cluster/task_part.hpp"

#include <algorithm>
#include <map>

#include "libstip/cluster/member.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t task_part_form = 1;
constexpr size_t bits_a_byte = 8;
constexpr size_t bytes_a_node = 8;

/// Bytes that a record takes at most, with room to spare.
constexpr size_t max_record_bytes =
    defaults::max_task_errors * (2 * defaults::max_task_text_bytes + 64) + 4096;

std::string encode_bounded(const task_record& task, size_t max_error_bytes) {
  size_t bytes = 0, kept = 0;
  for (const auto& err : task.errors) {
    bytes += err.input.size() + err.reason.size();
    if (bytes > max_error_bytes) break;
    ++kept;
  }
  if (kept == task.errors.size()) return encode(task);
  auto shorter = task;
  add(shorter.dropped_errors, task.errors.size() - kept);
  shorter.errors.resize(kept);
  return encode(shorter);
}

void write_nodes(packed_writer& out, const std::vector<uint64_t>& nodes) {
  out.varint(nodes.size());
  for (const auto node : nodes) out.u64(node);
}

std::vector<uint64_t> read_nodes(packed_reader& in) {
  std::vector<uint64_t> out(in.count(defaults::max_members, bytes_a_node));
  for (auto& node : out) node = in.u64();
  return out;
}

std::string packed_bits(const std::vector<bool>& bits) {
  std::string out((bits.size() + bits_a_byte - 1) / bits_a_byte, '\0');
  for (size_t i = 0; i < bits.size(); ++i)
    if (bits[i]) out[i / bits_a_byte] |= static_cast<char>(1 << (i % bits_a_byte));
  return out;
}

std::vector<bool> unpacked_bits(packed_reader& in) {
  const auto count = in.varint(defaults::max_listed_inputs);
  const auto bytes = in.text(defaults::max_listed_inputs / bits_a_byte + 1);
  in.expect(bytes.size() == (count + bits_a_byte - 1) / bits_a_byte, "bits are missing");
  std::vector<bool> out(in.ok() ? count : 0);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = (bytes[i / bits_a_byte] >> (i % bits_a_byte) & 1) != 0;
  in.expect(packed_bits(out) == bytes, "bits are left over");
  return out;
}

/// One record of the parts of a task that several nodes work on.
void add_part(task_record& sum, const task_record& part) {
  add(sum.completed, part.completed);
  add(sum.skipped, part.skipped);
  add(sum.total, part.total);
  add(sum.bytes, part.bytes);
  sum.started_ms = std::min(sum.started_ms, part.started_ms);
  sum.ended_ms =
      sum.ended_ms == 0 || part.ended_ms == 0 ? 0 : std::max(sum.ended_ms, part.ended_ms);
  add(sum.dropped_errors, part.dropped_errors);
  for (const auto& err : part.errors) add_error(sum, err);
  const bool both_done = sum.state == task_state::done && part.state == task_state::done;
  const auto either = [&](task_state s) { return sum.state == s || part.state == s; };
  // A part that found nothing does not make a task fail that stored something elsewhere.
  sum.state = either(task_state::running)      ? task_state::running
              : either(task_state::stopped)    ? task_state::stopped
              : sum.completed > 0 || both_done ? task_state::done
                                               : task_state::failed;
}

task_share share_of(const task_part& part) {
  const auto& task = part.task;
  return {task.node, part.owner, task.state, task.completed, task.skipped, task.total};
}

}  // namespace

std::string to_string(const part_run& run) {
  return run.key.id + "/" + node_name(run.key.origin) + "/" + to_string(run.began) + "/" +
         std::to_string(run.epoch);
}

uint64_t hash_of(const std::vector<std::string>& inputs) {
  packed_writer out;
  for (const auto& input : inputs) out.text(input);
  return hash64(out.bytes());
}

bool supersedes(const task_part& a, const task_part& b) {
  if (a.stamp() != b.stamp()) return a.stamp() > b.stamp();
  // A user's word ends a record without the owner's knowledge.
  return !a.running() && b.running();
}

std::string encode(const task_part& part, carry what, size_t max_error_bytes) {
  packed_writer out;
  out.u8(task_part_form).text(encode_bounded(part.task, max_error_bytes));
  out.varint(part.epoch).u64(part.owner).varint(part.revision);
  write_nodes(out, part.keepers);
  write_nodes(out, part.tried);
  out.text(part.work).flag(part.own_files).flag(part.listed).u64(part.inputs_hash);
  out.varint(part.settled.size()).text(packed_bits(part.settled));
  const bool with_inputs = what == carry::everything && part.inputs != nullptr;
  out.flag(with_inputs);
  if (with_inputs)
    for (const auto& input : *part.inputs) out.text(input);
  return out.take();
}

result<task_part> decode_task_part(std::string_view bytes) {
  packed_reader in{"part of a task", bytes};
  in.expect_version(task_part_form);
  task_part part;
  const auto record = in.text(max_record_bytes);
  part.epoch = in.varint();
  part.owner = in.u64();
  part.revision = in.varint();
  part.keepers = read_nodes(in);
  part.tried = read_nodes(in);
  part.work = in.text(defaults::max_task_work_bytes);
  part.own_files = in.flag();
  part.listed = in.flag();
  part.inputs_hash = in.u64();
  part.settled = unpacked_bits(in);
  in.expect(part.listed || part.settled.empty(), "inputs that are not listed are settled");
  if (in.flag()) {
    in.expect(part.listed && part.settled.size() <= in.remaining(), "inputs are missing");
    std::vector<std::string> inputs(in.ok() ? part.settled.size() : 0);
    for (auto& input : inputs) input = in.text(defaults::max_listed_bytes);
    in.expect(hash_of(inputs) == part.inputs_hash, "the inputs are not those of the part");
    part.inputs = std::make_shared<const std::vector<std::string>>(std::move(inputs));
  }
  STIP_TRY(in.finish());
  STIP_ASSIGN(part.task, decode_task_record(record));
  STIP_TRY(check_task_id(part.task.id));
  return part;
}

std::vector<task_record> merge_parts(const std::vector<task_part>& parts) {
  std::map<part_key, const task_part*> newest;
  std::map<std::string, version> began;
  for (const auto& part : parts) {
    auto& known = newest[part.key()];
    if (known == nullptr || supersedes(part, *known)) known = &part;
    auto& latest = began[part.task.id];
    latest = std::max(latest, part.task.began);
  }
  std::vector<task_record> out;
  for (const auto& [key, part] : newest) {
    // The id may have begun anew while a node was away.
    if (part->task.began != began[key.id]) continue;
    if (out.empty() || out.back().id != key.id)
      out.push_back(part->task);
    else
      add_part(out.back(), part->task);
    out.back().shares.push_back(share_of(*part));
  }
  std::sort(out.begin(), out.end(), [](const task_record& a, const task_record& b) {
    return std::pair{b.started_ms, std::string_view{b.id}} <
           std::pair{a.started_ms, std::string_view{a.id}};
  });
  return out;
}

}  // namespace stip
