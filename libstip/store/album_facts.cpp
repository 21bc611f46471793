#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/store/album_store_impl.hpp"
#include "libstip/store/fact_scan.hpp"

namespace stip {

namespace {

/// A fact that came from elsewhere may speak of a cell that this album cannot have.
result<void> check_fact(const replica_fact& fact, geocode_algorithm algorithm) {
  STIP_TRY(check_geocode(algorithm, fact.key.geocode));
  if (fact.chip && fact.chip->key != fact.key)
    return fail(ec::invalid_argument, "accept a fact of " + to_string(fact.key),
                "its chip is of another image");
  return {};
}

}  // namespace

result<std::vector<uint64_t>> album_store::impl::digests(const slice_of& slices) const {
  std::vector<uint64_t> sums(ring_slices, 0);
  if (!env_) return sums;
  for (fact_scan scan{*env_, algorithm_, slices, {}}; !scan.done();)
    STIP_TRY(scan.step(unfit(), SIZE_MAX, [&](uint32_t slice, const replica_fact& fact) {
      sums[slice] += digest_of(fact);
    }));
  return sums;
}

result<fact_page> album_store::impl::facts(const slice_of& slices, const std::string& from,
                                           size_t limit) const {
  if (from.size() > image_prefix_bytes)
    return fail(ec::invalid_argument, "list facts of " + directory_,
                "there is no such place to begin at");
  fact_page page;
  if (!env_) return page;
  fact_scan scan{*env_, algorithm_, slices, from};
  limit = std::clamp<size_t>(limit, 1, defaults::max_facts);
  while (!scan.done() && page.facts.size() < limit)
    STIP_TRY(scan.step(unfit(), limit - page.facts.size(), [&](uint32_t, replica_fact fact) {
      page.facts.push_back(std::move(fact));
    }));
  if (!scan.done()) page.next = scan.position();
  return page;
}

result<std::vector<bool>> album_store::impl::lacks(std::span<const replica_fact> facts) const {
  std::vector<bool> lacking(facts.size(), true);
  for (const auto& fact : facts) STIP_TRY(check_fact(fact, algorithm_));
  if (!env_) return lacking;
  for (size_t begin = 0; begin < facts.size(); begin += defaults::fact_step_images) {
    const auto end = std::min(facts.size(), begin + defaults::fact_step_images);
    const auto flawed_now = flawed();
    STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
      stored_names names{txn};
      image_state image;
      for (auto i = begin; i < end; ++i) {
        const auto& fact = facts[i];
        if (i == begin || fact.key != facts[i - 1].key) {
          STIP_ASSIGN(const auto prefix, find_prefix(names, algorithm_, fact.key));
          image = {};
          if (prefix) {
            STIP_ASSIGN(image, load_image(txn, names, *prefix, fact.key, flawed_now));
          }
        }
        lacking[i] = fact.chip ? image.lacks(*fact.chip) : image.lacks(fact.hidden);
      }
      return {};
    }));
  }
  return lacking;
}

result<std::vector<album_store::mark>> album_store::impl::marks(
    std::span<const put_tombstone> images) const {
  std::vector<mark> out(images.size());
  for (const auto& i : images) STIP_TRY(check_geocode(algorithm_, i.key.geocode));
  if (!env_) return out;
  for (size_t begin = 0; begin < images.size(); begin += defaults::fact_step_images) {
    const auto end = std::min(images.size(), begin + defaults::fact_step_images);
    const auto flawed_now = flawed();
    STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
      stored_names names{txn};
      for (auto i = begin; i < end; ++i) {
        STIP_ASSIGN(const auto prefix, find_prefix(names, algorithm_, images[i].key));
        if (!prefix) continue;
        STIP_ASSIGN(const auto image, load_image(txn, names, *prefix, images[i].key, flawed_now));
        out[i] = {image.written(), image.tombstone()};
      }
      return {};
    }));
  }
  return out;
}

result<tombstone_page> album_store::impl::tombstones(
    const std::string& from, size_t limit,
    const std::function<bool(const put_tombstone&)>& wanted) const {
  if (from.size() > image_prefix_bytes)
    return fail(ec::invalid_argument, "list deletions of " + directory_,
                "there is no such place to begin at");
  tombstone_page page;
  if (!env_) return page;
  std::string position = from.empty() ? std::string(1, '\0') : from;
  for (bool more = true; more && page.tombstones.size() < limit;)
    STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
      stored_names names{txn};
      STIP_ASSIGN(auto at, cursor::open(txn, table::tombstones));
      STIP_ASSIGN(more, at.seek(position));
      for (size_t seen = 0; more && seen < defaults::fact_step_images; ++seen) {
        position = at.key();
        if (page.tombstones.size() == limit) return {};
        STIP_ASSIGN(auto key, read_prefix(names, algorithm_, at.key()));
        STIP_ASSIGN(const auto when, decode_version(at.value()));
        put_tombstone t{std::move(key), when};
        if (wanted(t)) page.tombstones.push_back(std::move(t));
        STIP_ASSIGN(more, at.next());
      }
      if (more)
        position = at.key();
      else
        position.clear();
      return {};
    }));
  page.next = std::move(position);
  return page;
}

result<chip_record> album_store::impl::chip(const chip_description& chip) const {
  std::optional<chip_record> found;
  if (env_) {
    const auto flawed_now = flawed();
    STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
      stored_names names{txn};
      STIP_ASSIGN(const auto prefix, find_prefix(names, algorithm_, chip.key));
      if (!prefix) return {};
      STIP_ASSIGN(const auto image, load_image(txn, names, *prefix, chip.key, flawed_now));
      const auto* held = image.find(image_state::set_of(chip), chip.subdataset_index);
      if (held && !held->lost && !held->damaged && held->record.chip.content == chip.content)
        found = held->record;
      return {};
    }));
  }
  if (!found)
    return fail(ec::not_found, "find chip " + to_string(chip.key) + "/" + chip.subdataset,
                "it is not there, or has changed");
  return *std::move(found);
}

result<commit_outcome> album_store::impl::forget(std::span<const replica_fact> facts) {
  STIP_TRY(check_writable("forget facts of"));
  for (const auto& fact : facts) STIP_TRY(check_fact(fact, algorithm_));
  return run([&](commit_writer& writer) { return writer.forget(facts); });
}

result<std::vector<uint64_t>> album_store::digests(const slice_of& slices) const {
  return impl_->digests(slices);
}

result<fact_page> album_store::facts(const slice_of& slices, const std::string& from,
                                     size_t limit) const {
  return impl_->facts(slices, from, limit);
}

result<std::vector<bool>> album_store::lacks(std::span<const replica_fact> facts) const {
  return impl_->lacks(facts);
}

result<std::vector<album_store::mark>> album_store::marks(
    std::span<const put_tombstone> images) const {
  return impl_->marks(images);
}

result<tombstone_page> album_store::tombstones(
    const std::string& from, size_t limit,
    const std::function<bool(const put_tombstone&)>& wanted) const {
  return impl_->tombstones(from, limit, wanted);
}

result<chip_record> album_store::chip(const chip_description& chip) const {
  return impl_->chip(chip);
}

result<commit_outcome> album_store::forget(std::span<const replica_fact> facts) {
  return impl_->forget(facts);
}

}  // namespace stip
