#include <algorithm>
#include <set>

#include "libstip/cluster/chip_packer.hpp"
#include "libstip/cluster/deletion.hpp"
#include "libstip/cluster/place_images.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "tests/support/simulation/storage_part.hpp"

// Stores, searches and deletions of clients of a node of the simulator: what load_run, query and
// albums are to CAF.

namespace stip::sim {

namespace {

constexpr size_t max_text = size_t{1} << 30;

std::string bytes_of(const sample_image& image, uint16_t index) {
  packed_writer out;
  out.u64(image.pixels).u16(index).text(image.key.tile);
  return out.take();
}

chip_description describe(const sample_image& image, uint16_t index, const hash128& scene,
                          const version& written) {
  chip_description chip;
  chip.key = image.key;
  chip.subdataset = std::to_string(index);
  chip.subdataset_index = index;
  chip.subdataset_count = image.subdatasets;
  chip.scene = scene;
  chip.bands = 1;
  chip.block_edge = 1;
  chip.width = chip.height = 1;
  chip.written = written;
  return chip;
}

is_reachable reachable_in(const node_view& view) {
  return [&view](uint64_t node) { return view.is_reachable(node); };
}

}  // namespace

uint64_t pixels_of(const sample_image& image) {
  uint64_t sum = 0;
  for (uint16_t i = 0; i < image.subdatasets; ++i) sum += hash64(bytes_of(image, i));
  return sum;
}

version storage_part::store(std::vector<sample_image> images, const hash128& scene,
                            std::function<void(result<write_answer>)> done) {
  const auto written = versions_->next();
  begin([this, written, images = std::move(images), scene, done = std::move(done)](coroutine& c) {
    done(run_store(c, written, images, scene));
  });
  return written;
}

void storage_part::erase(std::function<bool(const std::string& key)> match,
                         std::function<void(const version&)> decided,
                         std::function<void(result<write_answer>)> done) {
  begin([this, match = std::move(match), decided = std::move(decided),
         done = std::move(done)](coroutine& c) {
    done(setup_->broken == bug::tombstone_where_shown ? erase_shown(c, decided, match)
                                                      : run_erase(c, decided, match));
  });
}

void storage_part::search(std::function<void(const search_answer&)> done) {
  begin([this, done = std::move(done)](coroutine& c) { done(run_search(c)); });
}

// -- stores -------------------------------------------------------------------------

result<write_answer> storage_part::run_store(coroutine& c, const version& written,
                                             const std::vector<sample_image>& images,
                                             const hash128& scene) {
  write_answer out;
  out.written = written;
  for (int attempt = 1;; ++attempt) {
    const auto view = view_;
    auto outcome = store_once(c, view, images, scene, out);
    if (outcome) return out;
    const auto code = outcome.error().code;
    if (attempt == defaults::load_attempts || view == view_ ||
        (code != ec::unavailable && code != ec::timeout))
      return fail(outcome.error());
  }
}

result<void> storage_part::store_once(coroutine& c, const node_view_ptr& view,
                                      const std::vector<sample_image>& images, const hash128& scene,
                                      write_answer& out) {
  if (view->is_forming) return fail(ec::unavailable, "store", "the cluster is forming");
  const auto reachable = reachable_in(*view);
  std::vector<image_key> keys;
  for (const auto& image : images) keys.push_back(image.key);
  const find_targets targets = [&](std::string_view geocode) {
    return write_targets(*view->ring, setup_->of, geocode, reachable);
  };
  const ask_holds ask = [&](uint64_t node, const std::vector<image_key>& asked,
                            const hash128& id) -> result<std::vector<bool>> {
    std::vector<replica_fact> facts;
    for (const auto& key : asked) facts.push_back(replica_fact::of(put_tombstone{key, {}}));
    packed_writer question;
    question.hash(id).text(stip::encode(facts));
    STIP_ASSIGN(const auto bytes,
                call(c, node, word::holds, question.bytes(), defaults::local_query_deadline));
    return std::vector<bool>(bytes.begin(), bytes.end());
  };
  STIP_ASSIGN(const auto nodes, place_images(keys, scene, targets, ask));
  std::vector<expected_chip> chips;
  std::vector<std::string> blocks;
  const auto upload = hash64(to_string(versions_->next()));
  for (size_t i = 0; i < images.size(); ++i)
    for (uint16_t k = 0; k < images[i].subdatasets && !nodes[i].empty(); ++k) {
      chips.push_back(
          {describe(images[i], k, scene, out.written), nodes[i], {upload, chips.size()}, i});
      blocks.push_back(bytes_of(images[i], k));
    }
  const auto spare = spare_nodes(*view->ring, setup_->of, reachable);
  const auto copies = send_copies(spare + (setup_->broken == bug::confirmed_by_too_few));
  chip_packer packer{chips,
                     images.size(),
                     {scene, "{}"},
                     [&](uint64_t node, chip_parts parts, uint64_t) -> result<void> {
                       ship(copies, node, parts);
                       return {};
                     }};
  for (size_t i = 0; i < chips.size(); ++i) {
    STIP_TRY(packer.block({i, 0, std::as_bytes(std::span{blocks[i]})}));
    STIP_TRY(packer.finish({i, 1, 1, {}, hash128_of(blocks[i])}));
  }
  STIP_TRY(packer.flush());
  STIP_TRY(settle(c, copies));
  for (size_t i = 0; i < images.size(); ++i)
    (nodes[i].empty() ? out.known : out.confirmed).push_back(to_string(keys[i]));
  return {};
}

result<std::vector<bool>> storage_part::holds(const std::vector<image_key>& keys,
                                              const hash128& scene) const {
  std::vector<bool> out;
  for (const auto& key : keys) {
    const auto* i = has_caught_up() ? store_->find(key) : nullptr;
    const auto* set = i == nullptr ? nullptr : i->state.image();
    out.push_back(set != nullptr && set->begin()->second.record.chip.scene == scene);
  }
  return out;
}

// -- searches -----------------------------------------------------------------------

search_answer storage_part::run_search(coroutine& c) {
  const auto until = host_->now_ms() + defaults::request_deadline.count();
  for (int attempt = 1;;) {
    search_trouble trouble;
    auto out = search_once(c, trouble);
    if (!out.is_complete && trouble.silent && host_->now_ms() < until) {
      // Those that catch up may answer in a moment.
      sleep(c, defaults::tick_interval.count());
      continue;
    }
    out.is_complete &= !trouble.moved;
    if (!trouble.moved || ++attempt > defaults::search_attempts) return out;
  }
}

search_answer storage_part::search_once(coroutine& c, search_trouble& trouble) {
  const auto view = view_;
  const auto began_ms = host_->now_ms();
  search_answer out;
  std::set<uint64_t> answered;
  std::vector<node_word> words;
  for (const auto& [id, rows] : gather(c, word::find, {}, defaults::local_query_deadline)) {
    trouble.silent |= !rows;
    if (!rows) continue;
    answered.insert(id);
    packed_reader in{"rows", *rows};
    words.push_back({id, in.flag(), in.i64()});
    while (in.ok() && in.remaining() > 0) {
      const std::string key{in.text(max_text)};
      const auto written = in.stamp();
      found_image row{written, in.u64(), {id}};
      auto& known = out.images[key];
      if (known.nodes.empty() || row.written > known.written ||
          setup_->broken == bug::merged_by_arrival)
        known = std::move(row);
      else if (row.written == known.written)
        known.nodes.push_back(id);
    }
  }
  if (setup_->broken != bug::deletions_unasked && !all_settled(words))
    drop_hidden(c, *view, words, out, answered, trouble.moved);
  const auto& nodes = view->ring->nodes();
  if (setup_->broken == bug::complete_with_too_few)
    for (const auto& node : nodes)
      if (answered.insert(node.id).second) break;
  const auto has_answered = [&](uint64_t node) { return answered.contains(node); };
  const auto copies = copies_of(*view->ring, setup_->of);
  out.is_complete = !view->is_forming && !nodes.empty() &&
                    (setup_->broken == bug::complete_by_ranges
                         ? covers(*view->ring, setup_->of, replicas_to_ask(copies), has_answered)
                         : knows_all(*view->ring, setup_->of, has_answered));
  trouble.moved |= has_moved(words, host_->now_ms() - began_ms);
  trouble.moved &= setup_->broken != bug::moves_unnoticed;
  return out;
}

/// Asks who may hide rows that others show; who does not answer has not answered at all.
void storage_part::drop_hidden(coroutine& c, const node_view& view, std::vector<node_word>& words,
                               search_answer& found, std::set<uint64_t>& answered, bool& moved) {
  struct question {
    std::vector<replica_fact> rows;
    std::vector<std::string> keys;
    std::optional<result<std::string>> answer;
  };
  std::map<uint64_t, question> asked;
  for (const auto& [text, image] : found.images) {
    const auto key = parse_image_key(text);
    if (!key) continue;
    for (const auto& w : words) {
      if (std::find(image.nodes.begin(), image.nodes.end(), w.node) != image.nodes.end() ||
          !must_be_asked(*view.ring, setup_->of, key->geocode, w))
        continue;
      asked[w.node].rows.push_back(replica_fact::of(put_tombstone{*key, image.written}));
      asked[w.node].keys.push_back(text);
    }
  }
  auto left = asked.size();
  for (auto& [node, q] : asked) {
    const auto* p = view.find(node);
    calls_->ask(p->address, word::hides, stip::encode(q.rows),
                defaults::local_query_deadline.count(),
                [this, &left, &q = q, owner = running_](result<std::string> answer) {
                  q.answer = std::move(answer);
                  if (--left == 0) wake(owner);
                });
  }
  while (left > 0) c.wait();
  for (const auto& [node, q] : asked) {
    if (!*q.answer) {
      answered.erase(node);
      continue;
    }
    // What it has dropped since it gave its rows it could not be asked about.
    packed_reader in{"words", **q.answer};
    words.push_back({node, in.flag(), in.i64()});
    for (size_t i = 0; i < q.keys.size(); ++i) {
      const auto what = row_word(in.u8());
      if (what == row_word::hidden) found.images.erase(q.keys[i]);
      moved |= what == row_word::replaced;
    }
  }
}

// -- deletions ------------------------------------------------------------------------

result<write_answer> storage_part::run_erase(
    coroutine& c, const std::function<void(const version&)>& decided,
    const std::function<bool(const std::string& key)>& match) {
  write_answer out;
  const auto view = view_;
  const auto found = run_search(c);
  if (!found.is_complete)
    return fail(ec::unavailable, "delete", "nodes are away that may know of more images");
  std::vector<shown_image> images;
  for (const auto& [text, image] : found.images) {
    if (!match(text)) continue;
    STIP_TRY(versions_->observe(image.written));
    STIP_ASSIGN(auto key, parse_image_key(text));
    images.push_back({std::move(key), image.nodes});
    out.confirmed.push_back(text);
  }
  out.written = versions_->next();
  decided(out.written);
  const auto reachable = reachable_in(*view);
  STIP_ASSIGN(const auto plan,
              plan_deletion(*view->ring, setup_->of, images, out.written, reachable));
  const auto copies = send_copies(spare_nodes(*view->ring, setup_->of, reachable));
  const auto others = send_copies(SIZE_MAX);
  for (const auto& [node, tombstones] : plan.to_holders) hide(copies, *view, node, tombstones);
  for (const auto& [node, tombstones] : plan.to_others) hide(others, *view, node, tombstones);
  auto outcome = settle(c, copies);
  (void)settle(c, others);
  STIP_TRY(outcome);
  if (setup_->broken != bug::halves_left) STIP_TRY(complete_deletions(c, match, out.written));
  return out;
}

/// Brings what earlier deletions left on too few nodes to as many as this one needs.
result<void> storage_part::complete_deletions(
    coroutine& c, const std::function<bool(const std::string& key)>& match, const version& own) {
  const auto view = view_;
  const auto reachable = reachable_in(*view);
  const auto began_ms = host_->now_ms();
  const auto spare = spare_nodes(*view->ring, setup_->of, reachable);
  std::set<uint64_t> answered;
  std::vector<node_word> words;
  const auto answers = gather(c, word::hidden, {}, defaults::local_query_deadline);
  const auto asked_ms = host_->now_ms() - began_ms;
  for (const auto& [id, answer] : answers) {
    if (!answer) continue;
    answered.insert(id);
    packed_reader in{"deletions", *answer};
    words.push_back({id, in.flag(), in.i64()});
    STIP_ASSIGN(
        auto tombstones,
        decode_tombstones(std::string_view{*answer}.substr(answer->size() - in.remaining())));
    std::erase_if(tombstones, [&](const put_tombstone& t) {
      return t.when == own || !match(to_string(t.key));
    });
    STIP_ASSIGN(const auto plan,
                plan_completion(*view->ring, setup_->of, id, tombstones, reachable));
    const auto copies = send_copies(spare);
    for (const auto& [node, some] : plan.to_holders) hide(copies, *view, node, some);
    STIP_TRY(settle(c, copies));
  }
  const auto has_answered = [&](uint64_t node) { return answered.contains(node); };
  if (!knows_all(*view->ring, setup_->of, has_answered))
    return fail(ec::unavailable, "delete", "nodes are away that may know of more deletions");
  if (has_moved(words, asked_ms))
    return fail(ec::unavailable, "delete", "deletions are moving from one node to another");
  return {};
}

void storage_part::hide(const std::shared_ptr<outgoing>& out, const node_view& view, uint64_t node,
                        const std::vector<put_tombstone>& tombstones) {
  packed_writer question;
  question.u64(view.ring->version()).text(stip::encode(tombstones));
  out->answers.sent();
  calls_->ask(view.find(node)->address, word::hide, question.bytes(),
              defaults::erase_deadline.count(),
              [this, out, node](const result<std::string>& answer) {
                out->answers.answered(node, answer ? result<void>{} : stip::fail(answer.error()));
                if (out->answers.is_settled()) wake(out->owner);
              });
}

/// The bug tombstone_where_shown.
result<write_answer> storage_part::erase_shown(
    coroutine& c, const std::function<void(const version&)>& decided,
    const std::function<bool(const std::string& key)>& match) {
  write_answer out;
  out.written = versions_->next();
  decided(out.written);
  const auto view = view_;
  const auto found = run_search(c);
  std::vector<put_tombstone> tombstones;
  for (const auto& [text, image] : found.images)
    if (auto key = parse_image_key(text); key && match(text)) {
      tombstones.push_back({*key, out.written});
      out.confirmed.push_back(text);
    }
  std::set<uint64_t> answered;
  for (const auto& [id, answer] :
       gather(c, word::erase, stip::encode(tombstones), defaults::erase_deadline))
    if (answer) answered.insert(id);
  const auto has_answered = [&](uint64_t node) { return answered.contains(node); };
  const auto needed = copies_to_confirm(copies_of(*view->ring, setup_->of));
  if (found.is_complete && covers(*view->ring, setup_->of, needed, has_answered)) return out;
  return fail(ec::unavailable, "delete", "nodes are away");
}

}  // namespace stip::sim
