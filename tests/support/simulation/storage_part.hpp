#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/cluster/catch_up.hpp"
#include "libstip/cluster/push_claims.hpp"
#include "libstip/cluster/repair.hpp"
#include "libstip/cluster/repair_schedule.hpp"
#include "libstip/cluster/search_rules.hpp"
#include "libstip/cluster/write_answers.hpp"
#include "tests/support/simulation/node_calls.hpp"
#include "tests/support/simulation/node_lanes.hpp"
#include "tests/support/simulation/node_view.hpp"
#include "tests/support/simulation/node_writer.hpp"

namespace stip::sim {

/// An image to be stored: the chips of one scene in one cell.
struct sample_image {
  image_key key;
  /// Chips that it has, and what tells their pixels from those of other images.
  uint16_t subdatasets = 1;
  uint64_t pixels = 0;
};

/// What the bytes of all its chips come to: found_image::pixels.
uint64_t pixels_of(const sample_image& image);

/// An image that a search has found.
struct found_image {
  version written;
  uint64_t pixels = 0;
  std::vector<uint64_t> nodes;
};

struct search_answer {
  bool is_complete = false;
  std::map<std::string, found_image> images;
};

/// What stores and deletions tell their clients.
struct write_answer {
  version written;
  /// Keys of the images that are confirmed, and of those that were there already.
  std::vector<std::string> confirmed, known;
};

/// One album on a node of the simulator: placement, writes, searches, deletions, repair and
/// catching up. What decides is that of libstip; this adapts it to the simulator, as the actors
/// adapt it to CAF. What blocks there in threads runs here in coroutines.
class storage_part final : public part {
 public:
  storage_part(host& on, const membership_part& membership, copies_setup& setup);
  ~storage_part() override;

  // -- clients ------------------------------------------------------------------

  /// The version of what is written. `done` is called later, or never if the node dies.
  version store(std::vector<sample_image> images, const hash128& scene,
                std::function<void(result<write_answer>)> done);
  /// Deletes the images that `match` holds for. `decided` is told the version before anything is
  /// hidden.
  void erase(std::function<bool(const std::string& key)> match,
             std::function<void(const version&)> decided,
             std::function<void(result<write_answer>)> done);
  void search(std::function<void(const search_answer&)> done);

  const stored_album& album() const { return *store_; }
  const node_view& view() const { return *view_; }
  bool has_caught_up() const;
  /// Rounds of repair that it has been through.
  uint64_t rounds() const { return rounds_; }

  // -- part ---------------------------------------------------------------------

  int64_t due_ms() const override;
  bool is_exact() const override { return true; }
  void tick() override;
  void received(std::string_view bytes) override { calls_->received(bytes); }
  void look_around() override;
  void killed() override { writer_->killed(); }

 private:
  /// Messages that a coroutine has sent and waits for.
  struct outgoing {
    uint64_t owner = 0;
    write_answers answers;
  };

  // storage_part.cpp
  void begin(std::function<void(coroutine&)> body);
  /// Lets the coroutine go on that waits, once this step of the node is over.
  void wake(uint64_t owner);
  void run_ready();
  void take_view();
  void trace(const std::string& line) const {
    if (setup_->trace) setup_->trace("  node " + std::to_string(self_) + " " + line);
  }
  void handle(word what, std::string_view body, node_calls::reply answer);
  result<std::string> call(coroutine& c, uint64_t node, word what, std::string_view body,
                           std::chrono::milliseconds deadline);
  /// Asks all of the view at once; an answer of each.
  std::vector<std::pair<uint64_t, result<std::string>>> gather(coroutine& c, word what,
                                                               std::string_view body,
                                                               std::chrono::milliseconds deadline);
  std::shared_ptr<outgoing> send_copies(size_t spare_nodes);
  void ship(const std::shared_ptr<outgoing>& out, uint64_t node, const chip_parts& content);
  result<void> settle(coroutine& c, const std::shared_ptr<outgoing>& out);
  void answer_search(const node_calls::reply& answer);
  std::string word_of_node() const;
  void answer_hidden(const node_calls::reply& answer);
  void answer_hides(std::string_view body, const node_calls::reply& answer);
  result<void> check_same_ring(uint64_t version) const;

  // storage_client.cpp
  result<write_answer> run_store(coroutine& c, const version& written,
                                 const std::vector<sample_image>& images, const hash128& scene);
  result<void> store_once(coroutine& c, const node_view_ptr& view,
                          const std::vector<sample_image>& images, const hash128& scene,
                          write_answer& out);
  result<write_answer> run_erase(coroutine& c, const std::function<void(const version&)>& decided,
                                 const std::function<bool(const std::string& key)>& match);
  result<write_answer> erase_shown(coroutine& c, const std::function<void(const version&)>& decided,
                                   const std::function<bool(const std::string& key)>& match);
  result<void> complete_deletions(coroutine& c,
                                  const std::function<bool(const std::string& key)>& match,
                                  const version& own);
  void hide(const std::shared_ptr<outgoing>& out, const node_view& view, uint64_t node,
            const std::vector<put_tombstone>& tombstones);
  search_answer run_search(coroutine& c);
  /// Whether images have moved meanwhile, and whether a node that is there has not answered.
  struct search_trouble {
    bool moved = false;
    bool silent = false;
  };
  search_answer search_once(coroutine& c, search_trouble& trouble);
  void drop_hidden(coroutine& c, const node_view& view, std::vector<node_word>& words,
                   search_answer& found, std::set<uint64_t>& answered, bool& moved);
  void sleep(coroutine& c, int64_t ms);
  result<std::vector<bool>> holds(const std::vector<image_key>& keys, const hash128& scene) const;

  // storage_repair.cpp
  void answer_differ(std::string_view body, const node_calls::reply& answer);
  void answer_lacks(std::string_view body, const node_calls::reply& answer);
  void answer_repair(std::string_view body, node_calls::reply answer);
  void begin_round();
  void end_round(const repair_outcome& outcome);
  repair_outcome run_round(coroutine& c);
  void catch_up_with_others();
  void drop_what_is_not_owned();

  host* host_;
  const membership_part* membership_;
  copies_setup* setup_;
  uint64_t self_ = 0;
  uint64_t incarnation_ = 0;
  std::unique_ptr<clock> time_;
  std::unique_ptr<version_clock> versions_;
  stored_album* store_ = nullptr;
  std::unique_ptr<node_writer> writer_;
  std::unique_ptr<node_calls> calls_;
  std::unique_ptr<node_lanes> lanes_;

  node_view_ptr view_ = std::make_shared<node_view>();
  std::pair<uint64_t, uint64_t> seen_changes_{UINT64_MAX, UINT64_MAX};
  int64_t redial_ms_ = INT64_MAX;

  repair_schedule schedule_;
  catch_up behind_;
  bool in_round_ = false;
  std::shared_ptr<bool> stop_round_ = std::make_shared<bool>(false);
  uint64_t rounds_ = 0;
  push_claims claims_;
  uint64_t uploads_ = 0;
  /// The ring by which images are being dropped; 0: none are.
  uint64_t dropping_ = 0;
  /// Who waits for the round that is under way, and for the one after it.
  std::vector<std::function<void(const repair_outcome&)>> waiting_, waiting_for_next_;
  settling settling_;
  int64_t dropped_ms_ = INT64_MIN;

  /// What runs, by number; the last to come and the first to go.
  uint64_t next_owner_ = 1;
  uint64_t running_ = 0;
  std::vector<uint64_t> ready_;
  std::multimap<int64_t, uint64_t> sleeping_;
  std::map<uint64_t, std::unique_ptr<coroutine>> coroutines_;
};

}  // namespace stip::sim
