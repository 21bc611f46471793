#include "tests/support/simulation/copies_setup.hpp"

namespace stip::sim {

const std::vector<bug_name>& bugs() {
  static const std::vector<bug_name> all{
      {bug::ack_before_sync, "ack-before-sync"},
      {bug::no_tombstone, "no-tombstone"},
      {bug::dropped_hint, "dropped-hint"},
      {bug::no_catching_up, "no-catching-up"},
      {bug::dropped_before_confirmed, "dropped-before-confirmed"},
      {bug::confirmed_by_too_few, "confirmed-by-too-few"},
      {bug::complete_with_too_few, "complete-with-too-few"},
      {bug::merged_by_arrival, "merged-by-arrival"},
      {bug::skipped_slices, "skipped-slices"},
      {bug::tombstone_dropped_early, "tombstone-dropped-early"},
      {bug::tombstone_where_shown, "tombstone-where-shown"},
      {bug::complete_by_ranges, "complete-by-ranges"},
      {bug::caught_up_too_soon, "caught-up-too-soon"},
      {bug::lost_disk_unnoticed, "lost-disk-unnoticed"},
      {bug::deletions_unasked, "deletions-unasked"},
      {bug::moves_unnoticed, "moves-unnoticed"},
      {bug::failed_round_counts, "failed-round-counts"},
      {bug::halves_left, "halves-left"},
      {bug::copies_of_the_gone, "copies-of-the-gone"},
  };
  return all;
}

std::optional<bug> find_bug(std::string_view name) {
  for (const auto& b : bugs())
    if (b.name == name) return b.what;
  return {};
}

}  // namespace stip::sim
