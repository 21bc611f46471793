#include "libstip/store/scrub.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/raster/block.hpp"

namespace stip {

namespace {

constexpr uint8_t state_version = 1;
/// Longer than any key of the tables.
constexpr size_t max_key_bytes = 255;

struct chip_to_read {
  std::string key;
  std::string value;
};

/// Blocks that lie one behind the other, of any chips.
struct run {
  uint32_t segment = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  /// Chip's number and bytes of each block.
  std::vector<std::pair<size_t, uint32_t>> blocks;
};

std::vector<run> runs_of(std::vector<std::pair<block_location, size_t>> blocks) {
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.segment, a.first.offset) < std::tie(b.first.segment, b.first.offset);
  });
  std::vector<run> runs;
  for (const auto& [block, chip] : blocks) {
    if (runs.empty() || runs.back().segment != block.segment ||
        runs.back().offset + runs.back().bytes != block.offset ||
        runs.back().bytes >= defaults::maintenance_step_bytes)
      runs.push_back({block.segment, block.offset, 0, {}});
    runs.back().bytes += block.bytes;
    runs.back().blocks.emplace_back(chip, block.bytes);
  }
  return runs;
}

/// What is wrong with a record, if anything is.
std::optional<std::string> flaw(std::span<const std::byte> record) {
  if (const auto sound = verify_block(record); !sound) return sound.error().why;
  const auto header = parse_block(record);
  if (!header) return header.error().why;
  if (record_bytes(*header) != record.size()) return "the record has another length";
  return {};
}

/// KEY/SUBDATASET of a row.
result<std::string> name_of(const transaction& txn, geocode_algorithm algorithm,
                            const chip_to_read& chip) {
  stored_names names{txn};
  STIP_ASSIGN(const auto image, read_prefix(names, algorithm, chip.key));
  STIP_ASSIGN(const auto record, decode_chip(image, chip.key, chip.value, names));
  return to_string(image) + "/" + record.chip.subdataset;
}

}  // namespace

std::string encode(const scrub_state& state) {
  packed_writer out;
  out.u8(state_version).flag(state.in_pending).text(state.after_key).varint(state.blocks_read);
  out.varint(state.chips).varint(state.damaged).varint(state.damaged_before);
  return out.i64(state.began_ms).i64(state.ended_ms).take();
}

result<scrub_state> read_scrub_state(const transaction& txn) {
  STIP_ASSIGN(const auto value, txn.get(table::meta, meta_word::scrub));
  scrub_state state;
  if (!value) return state;
  packed_reader in{"position of a scrub", *value};
  in.expect_version(state_version);
  state.in_pending = in.flag();
  state.after_key = in.text(max_key_bytes);
  state.blocks_read = in.varint();
  state.chips = in.varint();
  state.damaged = in.varint();
  state.damaged_before = in.varint();
  state.began_ms = in.i64();
  state.ended_ms = in.i64();
  STIP_TRY(in.finish());
  return state;
}

result<void> scrub_chips(const environment& env, segment_reader& reader,
                         geocode_algorithm algorithm, const lost_keys& lost, uint64_t bytes,
                         scrub_step& done) {
  bytes = std::max<uint64_t>(bytes, 1);
  auto& state = done.state;
  const auto db = state.in_pending ? table::pending : table::chips;
  std::vector<chip_to_read> chips;
  std::vector<std::pair<block_location, size_t>> blocks;
  bool more = true;
  STIP_TRY(env.read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, db));
    STIP_ASSIGN(more, at.seek(state.after_key.empty() ? std::string_view{"\0", 1}
                                                      : std::string_view{state.after_key}));
    if (more && at.key() == state.after_key) {
      STIP_ASSIGN(more, at.next());
    }
    uint64_t found = 0;
    while (more && chips.size() < defaults::maintenance_step_chips) {
      STIP_ASSIGN(const auto places, decode_chip_places(at.value()));
      auto i = std::exchange(state.blocks_read, 0);
      if (lost.contains(at.key())) i = places.blocks.size();
      for (; i < places.blocks.size() && found < bytes; ++i) {
        if (places.blocks[i].bytes == 0) continue;
        blocks.emplace_back(places.blocks[i], chips.size());
        found += places.blocks[i].bytes;
      }
      chips.push_back({std::string(at.key()), std::string(at.value())});
      if (i < places.blocks.size()) {
        state.blocks_read = i;
        break;
      }
      state.after_key = at.key();
      ++state.chips;
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  // The first flaw of each chip.
  std::map<size_t, scrub_finding> flaws;
  std::vector<std::byte> buffer;
  for (const auto& r : runs_of(std::move(blocks))) {
    // What lies in memory says nothing of the disk.
    reader.drop_cache(r.segment, r.offset, r.bytes);
    buffer.resize(r.bytes);
    const auto read = reader.read(r.segment, r.offset, buffer);
    done.bytes += r.bytes;
    uint64_t at = 0;
    for (const auto& [chip, size] : r.blocks) {
      std::optional<std::string> why;
      if (read) {
        why = flaw(std::span<const std::byte>{buffer}.subspan(at, size));
      } else {
        // One bad place must not speak for its neighbours.
        std::vector<std::byte> alone(size);
        const auto got = reader.read(r.segment, r.offset + at, alone);
        why = got ? flaw(alone) : got.error().why;
      }
      if (why) flaws.emplace(chip, scrub_finding{{}, {}, r.segment, r.offset + at, *why});
      at += size;
    }
    reader.drop_cache(r.segment, r.offset, r.bytes);
  }
  STIP_TRY(env.read([&](const transaction& txn) -> result<void> {
    for (auto& [number, finding] : flaws) {
      // A chip that was moved or replaced meanwhile is not where we looked.
      const auto& chip = chips[number];
      STIP_ASSIGN(const auto now, txn.get(db, chip.key));
      if (!now || *now != chip.value) continue;
      STIP_ASSIGN(finding.chip, name_of(txn, algorithm, chip));
      finding.row = chip.key;
      done.damaged.push_back(std::move(finding));
    }
    return {};
  }));
  state.damaged += done.damaged.size();
  if (!more) {
    state.after_key.clear();
    done.finished = state.in_pending;
    state.in_pending = !state.in_pending;
  }
  return {};
}

}  // namespace stip
