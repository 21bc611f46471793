#include "libstip/store/chip_writer.hpp"

#include "libstip/core/defaults.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/chip_content.hpp"

namespace stip {

namespace {

constexpr auto what = "take in a chip";

/// The records of a part, one after the other, with what their headers say.
result<std::vector<block_header>> parse_records(const chip_part& part) {
  std::vector<block_header> headers;
  headers.reserve(std::min<size_t>(part.blocks.size(), part.records.size() / block_header_bytes));
  auto rest = std::as_bytes(std::span{part.records.data(), part.records.size()});
  while (!rest.empty()) {
    STIP_TRY(verify_block(rest));
    STIP_ASSIGN(const auto header, parse_block(rest));
    headers.push_back(header);
    rest = rest.subspan(record_bytes(header));
  }
  if (headers.size() != part.blocks.size())
    return fail(ec::malformed, what,
                std::to_string(part.blocks.size()) + " block numbers came with " +
                    std::to_string(headers.size()) + " records");
  return headers;
}

}  // namespace

chip_writer::written chip_writer::write(std::span<const chip_parts* const> messages) {
  written all;
  forget_abandoned();
  struct range {
    size_t begin, end, first_tombstone, end_tombstone;
    bool is_empty() const { return begin == end && first_tombstone == end_tombstone; }
  };
  std::vector<range> chips_of;
  commit_request request;
  for (const auto* message : messages) {
    const auto begin = request.chips.size();
    const auto first_tombstone = request.tombstones.size();
    result<void> appended;
    for (const auto& part : message->parts) {
      appended = append(part, request.chips);
      if (!appended) break;
    }
    if (!appended) {
      // The other messages of the group go on; nothing of this one is named by the commit.
      request.chips.resize(begin);
      all.outcomes.emplace_back(fail(std::move(appended).error()));
    } else {
      all.outcomes.emplace_back(outcome{});
      if (request.chips.size() > begin)
        for (const auto& scene : message->scenes) request.scenes.push_back({scene.id, scene.json});
      request.tombstones.insert(request.tombstones.end(), message->tombstones.begin(),
                                message->tombstones.end());
    }
    chips_of.push_back({begin, request.chips.size(), first_tombstone, request.tombstones.size()});
  }
  if (request.chips.empty() && request.tombstones.empty()) return all;
  auto take = [&](size_t i, const std::vector<put_outcome>& outcomes, size_t begin) {
    const auto count = chips_of[i].end - chips_of[i].begin;
    all.outcomes[i]->chips.assign(outcomes.begin() + begin, outcomes.begin() + begin + count);
  };
  auto committed = store_->commit(request);
  if (committed) {
    for (size_t i = 0; i < messages.size(); ++i)
      if (all.outcomes[i]) take(i, committed->chips, chips_of[i].begin);
    all.changes = std::move(committed->changes);
    return all;
  }
  const bool disk_failed =
      committed.error().code == ec::io_error || committed.error().code == ec::no_space;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (chips_of[i].is_empty()) continue;
    if (disk_failed) {
      all.outcomes[i] = fail(committed.error());
      continue;
    }
    // The store refused something of one message: the others must not suffer for it.
    commit_request own;
    own.chips.assign(request.chips.begin() + chips_of[i].begin,
                     request.chips.begin() + chips_of[i].end);
    own.tombstones = messages[i]->tombstones;
    for (const auto& scene : messages[i]->scenes) own.scenes.push_back({scene.id, scene.json});
    auto alone = store_->commit(own);
    if (!alone) {
      all.outcomes[i] = fail(std::move(alone).error());
      continue;
    }
    take(i, alone->chips, 0);
    all.changes.insert(all.changes.end(), alone->changes.begin(), alone->changes.end());
  }
  return all;
}

result<void> chip_writer::append(const chip_part& part, std::vector<put_chip>& finished) {
  STIP_ASSIGN(const auto headers, parse_records(part));
  if (!uploads_.contains(part.upload) && uploads_.size() >= defaults::max_open_uploads)
    return fail(ec::limit_exceeded, what,
                std::to_string(uploads_.size()) + " chips are begun and not finished",
                "load with fewer threads, or coarser files first");
  auto& upload = uploads_[part.upload];
  upload.last_used_ms = time_->steady_ms();
  if (!headers.empty()) {
    STIP_ASSIGN(const auto places,
                store_->append(std::as_bytes(std::span{part.records.data(), part.records.size()})));
    if (places.size() != headers.size())
      return fail(ec::internal, what,
                  "the store placed another number of blocks than it was given");
    for (size_t i = 0; i < headers.size(); ++i)
      upload.blocks[part.blocks[i]] = {places[i], headers[i].content};
  }
  if (part.description.empty()) return {};
  auto chip = finish(part);
  if (!chip) {
    // A part that was overtaken may still come: the last one is then sent again.
    if (chip.error().code != ec::conflict) uploads_.erase(part.upload);
    return fail(std::move(chip).error());
  }
  uploads_.erase(part.upload);
  finished.push_back(std::move(*chip));
  return {};
}

result<put_chip> chip_writer::finish(const chip_part& part) {
  STIP_ASSIGN(auto chip, decode_chip_description(part.description));
  STIP_TRY(check(chip));
  const auto& upload = uploads_[part.upload];
  const auto count = chip.blocks();
  put_chip whole;
  whole.blocks.resize(count);
  std::vector<uint64_t> contents(count, 0);
  for (const auto& [number, block] : upload.blocks) {
    if (number >= count)
      return fail(ec::malformed, what,
                  "block " + std::to_string(number) + " of a chip of " + std::to_string(count));
    whole.blocks[number] = block.first;
    contents[number] = block.second;
  }
  // Also finds parts that were lost with an earlier life of this node.
  if (chip_content(chip.type, chip.width, chip.height, chip.planes(), chip.block_edge, contents) !=
      chip.content)
    return fail(ec::conflict, "store chip " + to_string(chip.key) + "/" + chip.subdataset,
                "its blocks are not all here", "store the input again");
  whole.chip = std::move(chip);
  return whole;
}

std::set<uint32_t> chip_writer::segments_in_use() {
  forget_abandoned();
  std::set<uint32_t> segments;
  for (const auto& [id, upload] : uploads_)
    for (const auto& [number, block] : upload.blocks) segments.insert(block.first.segment);
  return segments;
}

void chip_writer::forget_abandoned() {
  const auto now = time_->steady_ms();
  std::erase_if(uploads_, [now](const auto& entry) {
    return now - entry.second.last_used_ms > defaults::abandoned_upload.count();
  });
}

}  // namespace stip
