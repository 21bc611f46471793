#include "actors/album_answers.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "libstip/cluster/replication.hpp"

namespace stip {

size_t row_limit(const find_request& request) {
  return request.limit == 0 ? defaults::max_page_rows
                            : std::min<size_t>(request.limit, defaults::max_page_rows);
}

result<query_answer> find_here(const album_view& view, uint64_t ring_version,
                               const find_request& request) {
  STIP_TRY(check(request.match, view.definition.algorithm));
  const auto after = request.has_after ? std::optional{request.after} : std::nullopt;
  auto page = view.index().page(request.match, request.order, row_limit(request), after,
                                node_name(view.context->self.id));
  query_answer answer;
  answer.rows = std::move(page.rows);
  answer.more = page.more;
  // After the rows: what goes from here is noted before.
  answer.is_settled = view.copies.is_settled(ring_version);
  answer.dropped_ms_ago = view.copies.dropped_ms_ago(view.context->time->steady_ms());
  return answer;
}

result<row_words> hides_here(const album_view& view, const std::string& rows) {
  STIP_ASSIGN(const auto asked, decode_tombstones(rows));
  STIP_ASSIGN(const auto held, view.store->marks(asked));
  row_words out;
  for (size_t i = 0; i < asked.size(); ++i)
    out.words.push_back(
        static_cast<char>(word_of_row(asked[i].when, held[i].hidden, held[i].written)));
  out.dropped_ms_ago = view.copies.dropped_ms_ago(view.context->time->steady_ms());
  return out;
}

result<hidden_page> hidden_here(const album_view& view, uint64_t ring_version,
                                const hidden_request& request) {
  const auto algorithm = view.definition.algorithm;
  STIP_TRY(check(request.match, algorithm));
  auto by_key = request.match;
  by_key.cloud_coverage.reset();
  by_key.pixel_coverage.reset();
  const std::set<version> but(request.but.begin(), request.but.end());
  hidden_page answer;
  // Before the tombstones: it may be settled when they have been looked through.
  answer.is_settled = view.copies.is_settled(ring_version);
  if (!answer.is_settled) {
    STIP_ASSIGN(
        auto page,
        view.store->tombstones(request.from, defaults::max_page_rows, [&](const put_tombstone& t) {
          return !but.contains(t.when) && matches(by_key, algorithm, image_facts{t.key, 0, {}});
        }));
    answer.tombstones = encode(page.tombstones);
    answer.next = std::move(page.next);
  } else {
    answer.tombstones = encode(std::vector<put_tombstone>{});
  }
  answer.dropped_ms_ago = view.copies.dropped_ms_ago(view.context->time->steady_ms());
  return answer;
}

bool looks_at_few(const album_view& view, const find_request& request) {
  return check(request.match, view.definition.algorithm).has_value() &&
         view.index().candidates(request.match) <= defaults::short_query_rows;
}

result<query_answer> extents_here(const album_view& view, const ring& ring,
                                  const find_request& request) {
  STIP_TRY(check(request.match, view.definition.algorithm));
  const auto& asked = request.counted_among;
  cell_predicate counts_here;
  if (asked.size() > 1)
    counts_here = [&, self = view.context->self.id](std::string_view geocode) {
      for (const auto node : holders(ring, view.definition, geocode, ring.owners()))
        if (std::binary_search(asked.begin(), asked.end(), node)) return node == self;
      return false;
    };
  query_answer answer;
  answer.rows = encode_rows(view.index().extents(request.match, counts_here));
  return answer;
}

result<image_manifest> manifest_here(const album_view& view, const std::string& key_text) {
  STIP_ASSIGN(const auto key, parse_image_key(key_text));
  STIP_ASSIGN(const auto chips, view.store->chips(key));
  image_manifest out;
  out.node = node_name(view.context->self.id);
  for (const auto& record : chips) {
    out.chips.push_back(encode(record.chip));
    out.bytes += record.bytes();
  }
  if (!chips.empty()) {
    STIP_ASSIGN(out.scene, view.store->scene(chips.front().chip.scene));
    if (chips.back().chip.clouds) {
      STIP_ASSIGN(out.mask_scene, view.store->scene(chips.back().chip.scene));
    }
  }
  return out;
}

namespace {

/// A page of blocks from where the chip's blocks lie now.
result<block_page> read_page(const album_view& view, const image_key& key,
                             const read_request& request) {
  STIP_ASSIGN(const auto chips, view.store->chips(key));
  for (const auto& record : chips) {
    if (record.chip.subdataset_index != request.subdataset) continue;
    if (record.chip.content != request.content)
      return fail(ec::conflict, "read " + request.key + "/" + record.chip.subdataset,
                  "it has other pixels than those that were asked for", "read the image again");
    block_page page;
    const std::span all{record.blocks};
    if (request.first_block >= all.size()) return block_page{{}, {}, request.first_block};
    const auto first = request.first_block;
    const auto end =
        request.end_block <= first ? all.size() : std::min<uint64_t>(request.end_block, all.size());
    uint64_t size = 0;
    auto block = first;
    for (; block < end && size < defaults::max_message_bytes; ++block) {
      if (all[block].bytes == 0) continue;
      size += all[block].bytes;
      page.blocks.push_back(static_cast<uint32_t>(block));
    }
    std::vector<std::byte> bytes;
    bytes.reserve(size);
    STIP_TRY(view.store->read(all.subspan(first, block - first), bytes));
    page.records.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    page.next_block = block;
    return page;
  }
  return fail(ec::not_found, "read " + request.key,
              "it has no subdataset number " + std::to_string(request.subdataset), {});
}

}  // namespace

result<block_page> read_here(const album_view& view, const read_request& request) {
  STIP_ASSIGN(const auto key, parse_image_key(request.key));
  // A compaction may move the blocks, or the file go, between looking up and reading.
  for (int attempt = 1;; ++attempt) {
    auto page = read_page(view, key, request);
    if (page || page.error().code != ec::not_found || attempt == defaults::read_attempts)
      return page;
  }
}

result<std::vector<bool>> holds_here(const album_view& view, const std::vector<std::string>& texts,
                                     const std::string& scene_text) {
  // What it has may have been deleted while it was away: it takes everything again.
  if (view.definition.replication > 1 && !*view.context->caught_up)
    return std::vector<bool>(texts.size(), false);
  STIP_ASSIGN(const auto scene, parse_hash128(scene_text));
  std::vector<image_key> keys;
  for (const auto& text : texts) {
    STIP_ASSIGN(auto key, parse_image_key(text));
    keys.push_back(std::move(key));
  }
  return view.store->holds(keys, scene);
}

}  // namespace stip
