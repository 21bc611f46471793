#include "tests/support/simulation/copies_scenario.hpp"

#include <algorithm>
#include <random>

#include "tests/support/simulation/oracle.hpp"
#include "tests/support/simulation/unrest.hpp"

namespace stip::sim {

namespace {

constexpr int64_t start_patience_ms = 60'000;
constexpr int64_t longest_idle_ms = 3'000;
constexpr int64_t look_ms = 500;
constexpr size_t cells = 16;
constexpr size_t tiles = 3;
constexpr size_t album_kinds = 4;
constexpr std::array<uint32_t, album_kinds> replications{2, 3, 1, 5};

/// One run.
class copies_run {
 public:
  explicit copies_run(const copies_options& options)
      : options_(options), random_(options.seed * 0xbf58476d1ce4e5b9 + 1) {
    setup_.broken = options.broken;
    setup_.of.name.assign(1, 'a');
    setup_.of.replication = replications[options.seed % album_kinds];
    setup_.of.dht_key_length = -1;
    if (below(3) == 0) setup_.of.placement = replica_placement::parent;
    at_start_ = std::max<size_t>(2, options.nodes - below(3));
    setup_.of.replication = uint32_t(std::min<size_t>(setup_.of.replication, at_start_));
  }

  copies_outcome run() {
    world_options of_world;
    of_world.seed = options_.seed;
    of_world.nodes = options_.nodes;
    // Two at least: one that is alone in its own configuration founds a cluster of its own when it
    // has lost its disk.
    of_world.seeds = std::min<size_t>(2 + options_.seed % 2, at_start_);
    of_world.kills_are_told = options_.seed % 2 == 0;
    of_world.tokens = 8;
    of_world.racks = std::array<size_t, 3>{0, 2, 3}[below(3)];
    of_world.second_part = [this](host& on, const membership_part& membership) {
      return std::make_unique<storage_part>(on, membership, setup_);
    };
    world w{of_world};
    world_ = &w;
    if (options_.trace)
      setup_.trace = [&w](const std::string& line) {
        std::printf("%8lld %s\n", static_cast<long long>(w.now_ms()), line.c_str());
      };
    trace(std::to_string(setup_.of.replication) + " copies, " + std::to_string(at_start_) +
          " nodes at first, " + std::to_string(of_world.racks) + " racks, by " +
          (setup_.of.placement == replica_placement::parent ? "parent" : "ring"));
    unrest_options of_faults;
    of_faults.disks = true;
    of_faults.drains = false;
    of_faults.longest_clock_jump_ms = 3'000;
    of_faults.first_to_join = at_start_;
    of_faults.join = [this](size_t i) { join(i); };
    of_faults.trace = [this](const std::string& line) { trace(line); };
    unrest faults{w, options_.seed, of_faults};
    simulate(faults);
    out_.simulated_ms = w.now_ms();
    out_.faults = faults.faults();
    out_.disks_destroyed += faults.destroyed();
    out_.packets = w.packets();
    out_.digest = w.digest();
    out_.stores = oracle_.confirmed_stores();
    out_.deletions = oracle_.confirmed_deletions();
    world_ = nullptr;
    return out_;
  }

 private:
  size_t below(size_t bound) { return size_t(random_() % bound); }
  void trace(const std::string& line) const {
    if (setup_.trace) setup_.trace(line);
  }
  bool failed() const { return !out_.failure.empty(); }
  void fail(const std::string& why) {
    if (out_.failure.empty() && !why.empty())
      out_.failure = "at " + std::to_string(world_->now_ms()) + " ms: " + why;
  }

  storage_part* storage(size_t i) const {
    return static_cast<storage_part*>(world_->second_part(i));
  }

  /// Copies that confirm a chip.
  size_t to_confirm() const { return copies_to_confirm(setup_.of.replication); }

  void simulate(unrest& faults) {
    for (size_t i = 0; i < at_start_; ++i) world_->start(i);
    if (!world_->run_until(
            start_patience_ms, [this] { return all_ready(); }, look_ms))
      return fail("the cluster does not come up");
    faults.may_destroy(to_confirm() - 1);
    const auto end_ms = world_->now_ms() + options_.unrest_ms;
    auto next_fault = world_->now_ms() + faults.pause_ms();
    auto next_client = world_->now_ms();
    while (world_->now_ms() < end_ms && !failed()) {
      world_->run_until(std::min({next_fault, next_client, end_ms}));
      if (world_->now_ms() >= next_fault) {
        faults.next();
        next_fault = world_->now_ms() + faults.pause_ms();
      }
      if (world_->now_ms() >= next_client) {
        act(below(options_.nodes));
        next_client = world_->now_ms() + 1 + int64_t(below(longest_idle_ms));
      }
    }
    if (failed()) return;
    // Who stays dead is removed some time, with its disk.
    const auto lost = std::min(faults.destroyed(), to_confirm() - 1);
    const auto dead = faults.end(to_confirm() - 1 - lost);
    settle(dead);
    if (!failed() && dead.empty()) destroy_after_convergence();
  }

  /// A node joins while all others are there and hear of it: one that does not would go on with
  /// fewer members than there are (docs/protocol.md).
  void join(size_t i) {
    world_->heal();
    world_->air() = {};
    for (size_t k = 0; k < i; ++k) {
      world_->thaw(k);
      world_->start(k);
    }
    for (size_t k = 0; k < world_->size(); ++k) world_->slow(k, 0);
    world_->start(i);
    std::set<size_t> later;
    for (auto k = i + 1; k < world_->size(); ++k) later.insert(k);
    const auto known = [&] { return disagreement(*world_, later).empty(); };
    if (!world_->run_until(world_->now_ms() + start_patience_ms, known, look_ms))
      fail("node " + std::to_string(i) + " cannot join");
  }

  bool all_ready() const {
    for (size_t i = 0; i < world_->size(); ++i)
      if (const auto* s = storage(i);
          s != nullptr &&
          (s->view().is_forming || !s->has_caught_up() || s->view().peers.size() < at_start_))
        return false;
    return true;
  }

  // -- clients ------------------------------------------------------------------

  void act(size_t i) {
    if (storage(i) == nullptr || world_->frozen(i)) return;
    switch (below(10)) {
      case 0:
        return erase(i);
      case 1:
      case 2:
      case 3:
        return search(i);
      default:
        return store(i);
    }
  }

  void store(size_t i) {
    std::vector<sample_image> images;
    const auto scene_number =
        below(8) == 0 && last_scene_ > 0 ? 1 + below(last_scene_) : ++last_scene_;
    const hash128 scene{1, scene_number};
    const auto subdatasets = uint16_t(1 + hash64(std::to_string(scene_number)) % 3);
    std::set<size_t> chosen;
    for (auto left = 1 + below(3); left > 0; --left) chosen.insert(below(cells));
    const auto tile = below(tiles);
    for (const auto cell : chosen)
      images.push_back({key_of(cell, tile), subdatasets, scene_number * cells + cell});
    world_->act(i, [&](part& p) {
      auto number = std::make_shared<size_t>(0);
      const auto written = static_cast<storage_part&>(p).store(
          images, scene, [this, number](const result<write_answer>& answer) {
            trace("store " + std::to_string(*number) + ": " +
                  (answer ? "confirmed" : to_string(answer.error())));
            if (answer) fail(oracle_.confirmed(world_->now_ms(), *number, *answer));
          });
      *number = oracle_.store_begins(world_->now_ms(), written, images);
      std::string keys;
      for (const auto& image : images) keys += " " + to_string(image.key);
      trace("store " + std::to_string(*number) + " on " + std::to_string(i) + " as " +
            to_string(written) + ":" + keys);
    });
  }

  void erase(size_t i) {
    // One image, the images of a cell, or those of a tile.
    const auto cell = below(cells);
    const auto tile = below(tiles);
    const auto kind = below(4);
    const auto one = to_string(key_of(cell, tile));
    const oracle::matches match = [one, kind](const std::string& key) {
      if (kind < 2) return key == one;
      const auto part = [&](const std::string& text) {
        const auto first = text.find('/') + 1;
        const auto second = text.find('/', first);
        return kind == 2 ? text.substr(first, second - first) : text.substr(second);
      };
      return part(key) == part(one);
    };
    world_->act(i, [&](part& p) {
      const auto number = oracle_.erase_begins(world_->now_ms(), match);
      trace("deletion " + std::to_string(number) + " on " + std::to_string(i) + ": " + one +
            " kind " + std::to_string(kind));
      static_cast<storage_part&>(p).erase(
          match,
          [this, number](const version& written) {
            trace("deletion " + std::to_string(number) + " as " + to_string(written));
            oracle_.erase_decided(number, written);
          },
          [this, number](const result<write_answer>& answer) {
            trace("deletion " + std::to_string(number) + ": " +
                  (answer ? "confirmed" : to_string(answer.error())));
            if (answer) fail(oracle_.confirmed(world_->now_ms(), number, *answer));
          });
    });
  }

  void search(size_t i, const std::shared_ptr<bool>& was_complete = std::make_shared<bool>()) {
    world_->act(i, [&](part& p) {
      static_cast<storage_part&>(p).search(
          [this, i, was_complete, began_ms = world_->now_ms()](const search_answer& answer) {
            *was_complete = answer.is_complete;
            trace("search on " + std::to_string(i) +
                  (answer.is_complete ? " is complete" : " is not complete"));
            if (!answer.is_complete) return;
            ++out_.searches;
            const auto wrong = oracle_.check(began_ms, world_->now_ms(), answer);
            if (!wrong.empty())
              fail("a search on node " + std::to_string(i) + " says it is complete: " + wrong);
          });
    });
  }

  static image_key key_of(size_t cell, size_t tile) {
    image_key key;
    key.platform.assign(1, 'p');
    // Siblings share a parent.
    key.geocode.assign(1, 'a').append(1, "bcdefghj"[cell / 4]).append(1, "0123"[cell % 4]);
    key.geocode.append(1, 'z');
    key.source = "raw";
    key.tile.assign(1, 't').append(std::to_string(tile));
    key.timestamp = 1'600'000'000;
    return key;
  }

  // -- the end --------------------------------------------------------------------

  void settle(const std::set<size_t>& dead) {
    converge(dead);
    for (size_t i = 0; i < world_->size() && !failed(); ++i) {
      if (storage(i) == nullptr) continue;
      // What was under way may still come to its end, and move things once more.
      const auto is_complete = std::make_shared<bool>(false);
      for (int attempt = 0; attempt < 5 && !*is_complete; ++attempt) {
        search(i, is_complete);
        world_->run_until(world_->now_ms() + 5'000);
      }
      if (!*is_complete && dead.empty())
        return fail("a search on node " + std::to_string(i) + " is not complete");
    }
  }

  /// Until every node sees the same, and every image lies on exactly its replicas.
  void converge(const std::set<size_t>& dead) {
    std::string last;
    const auto calm = [&] {
      last = disagreement(*world_, dead);
      if (last.empty()) last = misplaced();
      for (size_t i = 0; last.empty() && dead.empty() && i < world_->size(); ++i)
        if (const auto* s = storage(i); s != nullptr && !s->has_caught_up())
          last = "node " + std::to_string(i) + " has not caught up";
      return last.empty();
    };
    if (!world_->run_until(world_->now_ms() + options_.peace_ms, calm, look_ms)) fail(last);
  }

  /// All but one of the copies of an image may go at once.
  void destroy_after_convergence() {
    // What was under way when the faults ended may have been confirmed by fewer since.
    converge({});
    if (failed()) return;
    const auto victims = std::min<size_t>(setup_.of.replication - 1, world_->size() - 1);
    if (victims == 0) return;
    const auto first = below(world_->size());
    for (size_t n = 0; n < victims; ++n) world_->destroy((first + n) % world_->size());
    out_.disks_destroyed += victims;
    world_->run_until(world_->now_ms() + int64_t(below(30'000)));
    for (size_t n = 0; n < victims; ++n) world_->start((first + n) % world_->size());
    settle({});
  }

  /// Which image does not lie on exactly its replicas; empty: each does.
  std::string misplaced() const {
    struct copy {
      uint64_t digest = 0;
      size_t facts = 0;
    };
    std::map<std::string, std::map<uint64_t, copy>> holders;
    std::map<std::string, std::string> geocodes;
    const storage_part* any = nullptr;
    for (size_t i = 0; i < world_->size(); ++i) {
      const auto* s = storage(i);
      if (s == nullptr) continue;
      any = s;
      for (const auto& [geocode, held] : s->album().cells())
        for (const auto& [text, image] : held)
          if (image.facts > 0) {
            holders[text][world_->id(i)] = {image.digest, image.facts};
            geocodes[text] = geocode;
          }
    }
    if (any == nullptr) return {};
    for (const auto& [text, copies] : holders) {
      const auto owners = replicas(*any->view().ring, setup_.of, geocodes[text]);
      std::vector<uint64_t> there;
      for (const auto id : owners)
        if (any->view().is_reachable(id)) there.push_back(id);
      uint64_t digest = 0;
      for (const auto id : there) {
        const auto found = copies.find(id);
        if (found == copies.end()) return text + " is not on replica " + std::to_string(id);
        if (id != there.front() && found->second.digest != digest)
          return text + " differs on replica " + std::to_string(id);
        digest = found->second.digest;
      }
      if (there.size() < owners.size()) continue;
      for (const auto& [id, c] : copies)
        if (std::find(owners.begin(), owners.end(), id) == owners.end())
          return text + " is on node " + std::to_string(id) + " still";
    }
    return {};
  }

  const copies_options options_;
  std::mt19937_64 random_;
  copies_setup setup_;
  size_t at_start_ = 0;
  world* world_ = nullptr;
  oracle oracle_;
  size_t last_scene_ = 0;
  copies_outcome out_;
};

}  // namespace

copies_outcome run_copies(const copies_options& options) {
  return copies_run{options}.run();
}

}  // namespace stip::sim
