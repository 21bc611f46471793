#include "libstip/cluster/task_verdicts.hpp"

#include <algorithm>
#include <tuple>

#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t verdicts_form = 1;
/// Bytes of an encoded verdict at least.
constexpr size_t min_verdict_bytes = 30;

void write(packed_writer& out, const task_verdict& v) {
  out.text(v.id).stamp(v.began).u8(static_cast<uint8_t>(v.what)).i64(v.at_ms);
}

uint64_t hash_of(const task_verdict& v) {
  packed_writer out;
  write(out, v);
  return hash64(out.bytes());
}

/// Later beginnings first, then what clears, then what was said earlier.
auto weight(const task_verdict& v) {
  return std::tuple{v.began, v.what, -v.at_ms};
}

int64_t oldest(int64_t wall_ms) {
  return wall_ms - defaults::task_verdict_age.count();
}

}  // namespace

std::string encode(const std::vector<task_verdict>& verdicts) {
  packed_writer out;
  out.u8(verdicts_form).varint(verdicts.size());
  for (const auto& v : verdicts) write(out, v);
  return out.take();
}

result<std::vector<task_verdict>> decode_task_verdicts(std::string_view bytes) {
  packed_reader in{"verdicts on tasks", bytes};
  in.expect_version(verdicts_form);
  std::vector<task_verdict> out(in.count(defaults::max_task_verdicts, min_verdict_bytes));
  for (auto& v : out) {
    v.id = in.text(defaults::max_task_id_bytes);
    v.began = in.stamp();
    const auto what = in.u8();
    in.expect(what <= static_cast<uint8_t>(task_verdict::kind::cleared), "the verdict is unknown");
    v.what = static_cast<task_verdict::kind>(what);
    v.at_ms = in.i64();
  }
  STIP_TRY(in.finish());
  return out;
}

bool task_verdicts::learn(const task_verdict& v, int64_t wall_ms) {
  if (v.at_ms < oldest(wall_ms)) return false;
  if (const auto found = verdicts_.find(v.id);
      found != verdicts_.end() && weight(found->second) >= weight(v))
    return false;
  forget(v.id);
  fingerprint_ += hash_of(v);
  verdicts_[v.id] = v;
  if (verdicts_.size() <= most_) return true;
  const auto first =
      std::min_element(verdicts_.begin(), verdicts_.end(), [](const auto& a, const auto& b) {
        return std::pair{a.second.at_ms, a.first} < std::pair{b.second.at_ms, b.first};
      });
  const auto id = first->first;
  forget(id);
  return id != v.id;
}

const task_verdict* task_verdicts::on(const std::string& id, const version& began) const {
  const auto found = verdicts_.find(id);
  return found != verdicts_.end() && began <= found->second.began ? &found->second : nullptr;
}

std::optional<version> task_verdicts::latest(const std::string& id) const {
  const auto found = verdicts_.find(id);
  return found == verdicts_.end() ? std::nullopt : std::optional{found->second.began};
}

void task_verdicts::expire(int64_t wall_ms) {
  std::erase_if(verdicts_, [&](const auto& entry) {
    const bool old = entry.second.at_ms < oldest(wall_ms);
    if (old) fingerprint_ -= hash_of(entry.second);
    return old;
  });
}

std::vector<task_verdict> task_verdicts::all() const {
  std::vector<task_verdict> out;
  out.reserve(verdicts_.size());
  for (const auto& [id, v] : verdicts_) out.push_back(v);
  return out;
}

void task_verdicts::forget(const std::string& id) {
  const auto found = verdicts_.find(id);
  if (found == verdicts_.end()) return;
  fingerprint_ -= hash_of(found->second);
  verdicts_.erase(found);
}

}  // namespace stip
