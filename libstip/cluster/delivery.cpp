#include "libstip/cluster/delivery.hpp"

#include <algorithm>
#include <utility>

namespace stip {

delivery_outbox::delivery_outbox(const delivery_options& options) : options_(options) {
  options_.max_attempts = std::max(options_.max_attempts, 1);
  options_.answer_timeout_ms = std::max<int64_t>(options_.answer_timeout_ms, 1);
  options_.first_backoff_ms = std::max<int64_t>(options_.first_backoff_ms, 0);
  options_.max_backoff_ms = std::max(options_.max_backoff_ms, options_.first_backoff_ms);
}

bool delivery_outbox::fits_window(uint64_t bytes) const {
  if (window_.empty()) return true;
  return window_.size() < options_.window_parcels && window_bytes_ <= options_.window_bytes &&
         bytes <= options_.window_bytes - window_bytes_;
}

bool delivery_outbox::accepts(uint64_t bytes) const {
  if (queue_.empty() && fits_window(bytes)) return true;
  return queue_.size() < options_.queue_parcels && bytes <= options_.queue_bytes - queue_bytes_;
}

result<uint64_t> delivery_outbox::offer(int64_t now_ms, uint64_t bytes, effects& out) {
  if (!accepts(bytes))
    return fail(ec::limit_exceeded, "queue a parcel",
                std::to_string(queue_.size()) + " parcels of " + std::to_string(queue_bytes_) +
                    " bytes wait already",
                "wait until some of them have been answered");
  const auto parcel = next_parcel_++;
  queue_.push_back({parcel, bytes});
  queue_bytes_ += bytes;
  fill_window(now_ms, out);
  return parcel;
}

void delivery_outbox::fill_window(int64_t now_ms, effects& out) {
  while (!queue_.empty() && fits_window(queue_.front().bytes)) {
    const auto next = queue_.front();
    queue_.pop_front();
    queue_bytes_ -= next.bytes;
    window_bytes_ += next.bytes;
    window_[next.parcel] = {next.bytes, 1, true, now_ms + options_.answer_timeout_ms, now_ms};
    out.sends.push_back({next.parcel, 1});
  }
}

bool delivery_outbox::answered(int64_t now_ms, uint64_t parcel, effects& out) {
  const auto found = window_.find(parcel);
  if (found == window_.end()) return false;
  window_bytes_ -= found->second.bytes;
  window_.erase(found);
  fill_window(now_ms, out);
  return true;
}

bool delivery_outbox::retry_later(int64_t now_ms, uint64_t parcel, attempt& last, error why,
                                  effects& out) {
  if (last.number >= options_.max_attempts && now_ms - last.began_ms >= options_.patience_ms) {
    why.why += " (given up after " + std::to_string(last.number) + " attempts)";
    out.failures.push_back({parcel, std::move(why)});
    return true;
  }
  auto rest = options_.first_backoff_ms;
  for (int i = 1; i < last.number && rest > 0 && rest < options_.max_backoff_ms; ++i)
    rest = rest > options_.max_backoff_ms / 2 ? options_.max_backoff_ms : rest * 2;
  last.sent = false;
  last.due_ms = now_ms + rest;
  return false;
}

void delivery_outbox::failed(int64_t now_ms, uint64_t parcel, const error& why, effects& out) {
  const auto found = window_.find(parcel);
  if (found == window_.end() || !found->second.sent) return;
  if (!retry_later(now_ms, parcel, found->second, why, out)) return;
  window_bytes_ -= found->second.bytes;
  window_.erase(found);
  fill_window(now_ms, out);
}

bool delivery_outbox::cancel(int64_t now_ms, uint64_t parcel, effects& out) {
  if (const auto found = window_.find(parcel); found != window_.end()) {
    if (found->second.sent) return false;
    window_bytes_ -= found->second.bytes;
    window_.erase(found);
    fill_window(now_ms, out);
    return true;
  }
  const auto queued = std::find_if(queue_.begin(), queue_.end(),
                                   [&](const waiting& w) { return w.parcel == parcel; });
  if (queued == queue_.end()) return false;
  queue_bytes_ -= queued->bytes;
  queue_.erase(queued);
  return true;
}

void delivery_outbox::tick(int64_t now_ms, effects& out) {
  for (auto at = window_.begin(); at != window_.end();) {
    auto& [parcel, last] = *at;
    if (last.due_ms > now_ms) {
      ++at;
      continue;
    }
    if (last.sent) {
      error why{ec::timeout, "deliver parcel " + std::to_string(parcel),
                "no answer within " + std::to_string(options_.answer_timeout_ms) + " ms",
                "look whether the receiving node is up and not overloaded"};
      if (retry_later(now_ms, parcel, last, std::move(why), out)) {
        window_bytes_ -= last.bytes;
        at = window_.erase(at);
        continue;
      }
    } else {
      ++last.number;
      last.sent = true;
      last.due_ms = now_ms + options_.answer_timeout_ms;
      out.sends.push_back({parcel, last.number});
    }
    ++at;
  }
  fill_window(now_ms, out);
}

std::optional<int64_t> delivery_outbox::next_tick_ms() const {
  std::optional<int64_t> next;
  for (const auto& [parcel, last] : window_)
    next = next ? std::min(*next, last.due_ms) : last.due_ms;
  return next;
}

delivery_inbox::delivery_inbox(size_t memory) : memory_(std::max<size_t>(memory, 1)) {}

void delivery_inbox::miss(uint64_t parcel) {
  outstanding_.insert(parcel);
  if (outstanding_.size() > memory_) outstanding_.erase(outstanding_.begin());
}

delivery_inbox::verdict delivery_inbox::arrived(uint64_t parcel) {
  if (in_work_.contains(parcel)) return verdict::under_way;
  if (answers_.contains(parcel)) return verdict::repeated;
  const bool is_new = parcel > highest_;
  if (!is_new && !outstanding_.contains(parcel)) return verdict::forgotten;
  if (in_work_.size() >= memory_) return verdict::under_way;
  if (is_new) {
    // A number far ahead leaves more behind it than are remembered: only the last ones count.
    const auto skipped = std::min<uint64_t>(parcel - highest_ - 1, memory_);
    for (auto n = parcel - skipped; n < parcel; ++n) miss(n);
    highest_ = parcel;
  } else {
    outstanding_.erase(parcel);
  }
  in_work_.insert(parcel);
  return verdict::fresh;
}

void delivery_inbox::done(uint64_t parcel, std::string answer) {
  if (in_work_.erase(parcel) == 0) return;
  answers_[parcel] = std::move(answer);
  done_order_.push_back(parcel);
  if (done_order_.size() <= memory_) return;
  answers_.erase(done_order_.front());
  done_order_.pop_front();
}

const std::string* delivery_inbox::answer(uint64_t parcel) const {
  const auto found = answers_.find(parcel);
  return found == answers_.end() ? nullptr : &found->second;
}

void delivery_inbox::failed(uint64_t parcel) {
  if (in_work_.erase(parcel) > 0) miss(parcel);
}

}  // namespace stip
