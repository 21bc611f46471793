#define CAF_SUITE cluster.delivery
#include "libstip/cluster/delivery.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <map>
#include <queue>
#include <random>

using namespace stip;

namespace {

const error lost{ec::unavailable, "send", "link down", ""};

delivery_options small() {
  delivery_options out;
  out.window_parcels = 2;
  out.window_bytes = 100;
  out.queue_parcels = 3;
  out.queue_bytes = 120;
  out.answer_timeout_ms = 1000;
  out.max_attempts = 4;
  out.first_backoff_ms = 100;
  out.max_backoff_ms = 300;
  return out;
}

/// "parcel/attempt ..." of the sends and "parcel!" of the failures.
std::string text(const delivery_outbox::effects& all) {
  std::string out;
  for (const auto& s : all.sends)
    out += std::to_string(s.parcel) + '/' + std::to_string(s.attempt) + ' ';
  for (const auto& f : all.failures) out += std::to_string(f.parcel) + "! ";
  return out;
}

struct fixture {
  delivery_outbox box{small()};

  std::string offer(int64_t now, uint64_t bytes) {
    delivery_outbox::effects out;
    const auto parcel = box.offer(now, bytes, out);
    return parcel ? text(out) : "refused";
  }
  std::string answered(int64_t now, uint64_t parcel) {
    delivery_outbox::effects out;
    return box.answered(now, parcel, out) ? text(out) : "unknown";
  }
  std::string failed(int64_t now, uint64_t parcel) {
    delivery_outbox::effects out;
    box.failed(now, parcel, lost, out);
    return text(out);
  }
  std::string tick(int64_t now) {
    delivery_outbox::effects out;
    box.tick(now, out);
    return text(out);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(delivery_tests, fixture)

CAF_TEST(parcels are sent in order as far as the window reaches) {
  CAF_CHECK_EQUAL(offer(0, 40), "1/1 ");
  CAF_CHECK_EQUAL(offer(0, 40), "2/1 ");
  CAF_CHECK_EQUAL(offer(0, 10), "");
  CAF_CHECK_EQUAL(offer(0, 10), "");
  CAF_CHECK_EQUAL(box.parcels(), 4u);
  CAF_CHECK_EQUAL(box.bytes(), 100u);
  CAF_CHECK_EQUAL(answered(1, 2), "3/1 ");
  CAF_CHECK_EQUAL(answered(1, 2), "unknown");
  CAF_CHECK_EQUAL(answered(1, 4), "unknown");
  CAF_CHECK_EQUAL(answered(1, 1), "4/1 ");
  CAF_CHECK_EQUAL(answered(1, 3), "");
  CAF_CHECK_EQUAL(answered(1, 4), "");
  CAF_CHECK_EQUAL(box.parcels(), 0u);
  CAF_CHECK_EQUAL(box.bytes(), 0u);
  CAF_CHECK(!box.next_tick_ms().has_value());
}

CAF_TEST(a large parcel waits for its turn and small ones do not overtake it) {
  CAF_CHECK_EQUAL(offer(0, 60), "1/1 ");
  CAF_CHECK_EQUAL(offer(0, 60), "");
  CAF_CHECK_EQUAL(offer(0, 1), "");
  CAF_CHECK_EQUAL(answered(0, 1), "2/1 3/1 ");
}

CAF_TEST(an empty outbox takes a parcel of any size and sends it alone) {
  CAF_CHECK(box.accepts(UINT64_MAX));
  CAF_CHECK_EQUAL(offer(0, uint64_t{1} << 40), "1/1 ");
  CAF_CHECK_EQUAL(offer(0, 1), "");
  CAF_CHECK(!box.accepts(UINT64_MAX));
  CAF_CHECK_EQUAL(answered(0, 1), "2/1 ");
}

CAF_TEST(the queue refuses what exceeds its parcels or bytes) {
  CAF_CHECK_EQUAL(offer(0, 100), "1/1 ");
  CAF_CHECK_EQUAL(offer(0, 121), "refused");
  CAF_CHECK_EQUAL(offer(0, 100), "");
  CAF_CHECK_EQUAL(offer(0, 21), "refused");
  CAF_CHECK_EQUAL(offer(0, 10), "");
  CAF_CHECK_EQUAL(offer(0, 10), "");
  CAF_CHECK(!box.accepts(0));
  delivery_outbox::effects out;
  const auto refused = box.offer(0, 0, out);
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK(refused.error().code == ec::limit_exceeded);
}

CAF_TEST(a failed attempt rests ever longer up to the bound and is then given up) {
  offer(0, 1);
  CAF_CHECK_EQUAL(failed(10, 1), "");
  CAF_CHECK(box.next_tick_ms() == 110);
  CAF_CHECK_EQUAL(failed(50, 1), "");
  CAF_CHECK_EQUAL(tick(109), "");
  CAF_CHECK_EQUAL(tick(110), "1/2 ");
  CAF_CHECK_EQUAL(failed(110, 1), "");
  CAF_CHECK(box.next_tick_ms() == 310);
  CAF_CHECK_EQUAL(tick(310), "1/3 ");
  CAF_CHECK_EQUAL(failed(310, 1), "");
  CAF_CHECK(box.next_tick_ms() == 610);
  CAF_CHECK_EQUAL(tick(610), "1/4 ");
  delivery_outbox::effects out;
  box.failed(611, 1, lost, out);
  CAF_REQUIRE_EQUAL(out.failures.size(), 1u);
  CAF_CHECK(out.failures[0].why.code == ec::unavailable);
  CAF_CHECK_EQUAL(out.failures[0].why.why, "link down (given up after 4 attempts)");
  CAF_CHECK_EQUAL(box.parcels(), 0u);
  CAF_CHECK_EQUAL(answered(612, 1), "unknown");
}

CAF_TEST(silence counts as a failed attempt) {
  offer(0, 1);
  CAF_CHECK_EQUAL(tick(999), "");
  CAF_CHECK_EQUAL(tick(1000), "");
  CAF_CHECK_EQUAL(tick(1100), "1/2 ");
  delivery_outbox::effects out;
  for (int64_t now = 1200; now < 10'000; now += 100) box.tick(now, out);
  CAF_REQUIRE_EQUAL(out.failures.size(), 1u);
  CAF_CHECK(out.failures[0].why.code == ec::timeout);
}

CAF_TEST(an answer that comes while the parcel rests still counts) {
  offer(0, 1);
  tick(1000);
  CAF_CHECK_EQUAL(answered(1050, 1), "");
  CAF_CHECK_EQUAL(box.parcels(), 0u);
  CAF_CHECK_EQUAL(tick(2000), "");
}

CAF_TEST(a resting parcel keeps its place in the window) {
  offer(0, 1);
  offer(0, 1);
  offer(0, 1);
  CAF_CHECK_EQUAL(failed(0, 1), "");
  CAF_CHECK_EQUAL(failed(0, 2), "");
  CAF_CHECK_EQUAL(tick(100), "1/2 2/2 ");
  CAF_CHECK_EQUAL(answered(101, 2), "3/1 ");
}

CAF_TEST(a parcel that is given up makes room for the next) {
  auto options = small();
  options.window_parcels = 1;
  options.max_attempts = 1;
  delivery_outbox one(options);
  delivery_outbox::effects out;
  for (int i = 0; i < 3; ++i) CAF_REQUIRE(one.offer(0, 10, out).has_value());
  CAF_CHECK_EQUAL(text(out), "1/1 ");
  out = {};
  one.tick(1000, out);
  CAF_CHECK_EQUAL(text(out), "2/1 1! ");
}

CAF_TEST(options out of range still deliver) {
  delivery_outbox none({0, 0, 0, 0, 0, 0, -5, -5});
  delivery_outbox::effects out;
  CAF_CHECK(none.offer(0, 10, out).has_value());
  CAF_CHECK(!none.accepts(0));
  CAF_CHECK_EQUAL(text(out), "1/1 ");
  CAF_CHECK(none.answered(0, 1, out));
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(the inbox tells new repeated and running parcels apart) {
  using verdict = delivery_inbox::verdict;
  delivery_inbox in;
  CAF_CHECK(in.arrived(1) == verdict::fresh);
  CAF_CHECK(in.arrived(1) == verdict::under_way);
  CAF_CHECK(in.answer(1) == nullptr);
  in.done(1, "ok");
  CAF_CHECK(in.arrived(1) == verdict::repeated);
  CAF_REQUIRE(in.answer(1) != nullptr);
  CAF_CHECK_EQUAL(*in.answer(1), "ok");
  in.done(1, "other");
  in.done(9, "never came");
  CAF_CHECK_EQUAL(*in.answer(1), "ok");
  CAF_CHECK(in.answer(9) == nullptr);
  CAF_CHECK(in.arrived(3) == verdict::fresh);
  CAF_CHECK(in.arrived(2) == verdict::fresh);
  CAF_CHECK(in.arrived(0) == verdict::forgotten);
}

CAF_TEST(a parcel that could not be done may be tried again) {
  using verdict = delivery_inbox::verdict;
  delivery_inbox in;
  CAF_CHECK(in.arrived(1) == verdict::fresh);
  in.failed(1);
  CAF_CHECK(in.arrived(1) == verdict::fresh);
  in.done(1, "ok");
  in.failed(1);
  CAF_CHECK(in.arrived(1) == verdict::repeated);
}

CAF_TEST(the memory of an inbox is bounded and what it forgot is not done twice) {
  using verdict = delivery_inbox::verdict;
  delivery_inbox in(4);
  for (uint64_t n = 1; n <= 10; ++n) {
    CAF_CHECK(in.arrived(n) == verdict::fresh);
    in.done(n, "ok");
  }
  CAF_CHECK(in.arrived(6) == verdict::forgotten);
  CAF_CHECK(in.arrived(7) == verdict::repeated);
  // A number far ahead: of the skipped ones the last four may still come.
  CAF_CHECK(in.arrived(uint64_t{1} << 60) == verdict::fresh);
  CAF_CHECK(in.arrived((uint64_t{1} << 60) - 5) == verdict::forgotten);
  CAF_CHECK(in.arrived((uint64_t{1} << 60) - 4) == verdict::fresh);
  CAF_CHECK(in.arrived(UINT64_MAX) == verdict::fresh);
  CAF_CHECK(in.arrived(UINT64_MAX - 1) == verdict::fresh);
  // Four are in work: the fifth has to wait.
  CAF_CHECK(in.arrived(UINT64_MAX - 2) == verdict::under_way);
  in.done(UINT64_MAX, "ok");
  CAF_CHECK(in.arrived(UINT64_MAX - 2) == verdict::fresh);
}

namespace {

std::string answer_of(uint64_t parcel) {
  std::string out = "answer ";
  return out.append(std::to_string(parcel));
}

/// A sender and a receiver on a network that loses, delays, reorders and repeats, under a virtual
/// clock; checks every bound after every step.
class simulation {
 public:
  explicit simulation(uint64_t seed) : rng_(seed) {
    options_.window_parcels = 1 + below(8);
    options_.window_bytes = 1 + below(1000);
    options_.queue_parcels = below(20);
    options_.queue_bytes = below(3000);
    options_.answer_timeout_ms = 50 + int64_t(below(1000));
    options_.max_attempts = 1 + int(below(6));
    options_.first_backoff_ms = 1 + int64_t(below(100));
    options_.max_backoff_ms = options_.first_backoff_ms * (1 + int64_t(below(10)));
    loss_ = double(below(60)) / 100;
    box_.emplace(options_);
    in_.emplace(memory);
  }

  std::string run() {
    constexpr int parcels = 300;
    int offered = 0;
    while (offered < parcels || box_->parcels() > 0 || !events_.empty()) {
      if (offered < parcels && below(3) > 0) {
        const uint64_t bytes = below(400);
        delivery_outbox::effects out;
        const bool room = box_->accepts(bytes);
        const auto parcel = box_->offer(now_, bytes, out);
        CAF_REQUIRE(parcel.has_value() == room);
        if (parcel) {
          ++offered;
          CAF_REQUIRE(*parcel == uint64_t(offered));
          bytes_[*parcel] = bytes;
          open_[*parcel] = {};
        }
        apply(out);
      } else {
        advance();
      }
      check_bounds();
      CAF_REQUIRE(++steps_ < 1'000'000);
    }
    CAF_REQUIRE(open_.empty());
    CAF_REQUIRE(box_->bytes() == 0);
    CAF_REQUIRE(box_->window_bytes() == 0);
    CAF_REQUIRE(!box_->next_tick_ms().has_value());
    return trace_;
  }

  size_t delivered = 0;
  size_t given_up = 0;

 private:
  static constexpr size_t memory = 64;

  struct sent {
    int attempts = 0;
    int64_t at = 0;
  };
  struct event {
    int64_t at;
    uint64_t order;
    enum { request, answer, failure } what;
    uint64_t parcel;
    bool operator>(const event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };

  uint64_t below(uint64_t n) { return rng_() % n; }
  bool happens(double p) { return double(rng_() % 1000) < p * 1000; }
  void later(int64_t delay, decltype(event::what) what, uint64_t parcel) {
    events_.push({now_ + delay, order_++, what, parcel});
  }
  /// Over the network: lost, delayed, or repeated.
  void transmit(decltype(event::what) what, uint64_t parcel) {
    if (happens(loss_)) return;
    later(1 + int64_t(below(300)), what, parcel);
    if (happens(0.2)) later(1 + int64_t(below(3000)), what, parcel);
  }

  void apply(const delivery_outbox::effects& out) {
    trace_ += text(out);
    for (const auto& s : out.sends) {
      CAF_REQUIRE(open_.contains(s.parcel));
      auto& before = open_[s.parcel];
      CAF_REQUIRE(s.attempt == before.attempts + 1);
      CAF_REQUIRE(s.attempt <= options_.max_attempts);
      // The rest before attempt k is at least what the back-off says, up to its bound.
      if (s.attempt > 1) {
        auto rest = options_.first_backoff_ms;
        for (int i = 2; i < s.attempt; ++i) rest = std::min(rest * 2, options_.max_backoff_ms);
        CAF_REQUIRE(now_ - before.at >= rest);
      }
      before = {s.attempt, now_};
      if (happens(0.1))
        later(int64_t(below(100)), event::failure, s.parcel);
      else
        transmit(event::request, s.parcel);
    }
    for (const auto& f : out.failures) {
      CAF_REQUIRE(open_.contains(f.parcel));
      CAF_REQUIRE(open_[f.parcel].attempts == options_.max_attempts);
      open_.erase(f.parcel);
      ++given_up;
    }
  }

  void advance() {
    const auto tick = box_->next_tick_ms();
    delivery_outbox::effects out;
    if (tick && (events_.empty() || *tick <= events_.top().at)) {
      now_ = std::max(now_, *tick);
      box_->tick(now_, out);
      // A tick at its time always does something: otherwise a caller would spin.
      const auto next = box_->next_tick_ms();
      CAF_REQUIRE(!next || *next > now_ || !out.sends.empty());
    } else if (!events_.empty()) {
      const auto e = events_.top();
      events_.pop();
      now_ = std::max(now_, e.at);
      handle(e, out);
    }
    apply(out);
  }

  void handle(const event& e, delivery_outbox::effects& out) {
    using verdict = delivery_inbox::verdict;
    if (e.what == event::failure) return box_->failed(now_, e.parcel, lost, out);
    if (e.what == event::answer) {
      const bool first = box_->answered(now_, e.parcel, out);
      CAF_REQUIRE(first == (open_.erase(e.parcel) > 0));
      delivered += first ? 1 : 0;
      return;
    }
    switch (in_->arrived(e.parcel)) {
      case verdict::fresh:
        CAF_REQUIRE(++done_[e.parcel] == 1);
        in_->done(e.parcel, answer_of(e.parcel));
        [[fallthrough]];
      case verdict::repeated:
        CAF_REQUIRE(in_->answer(e.parcel) != nullptr);
        CAF_REQUIRE(*in_->answer(e.parcel) == answer_of(e.parcel));
        transmit(event::answer, e.parcel);
        break;
      case verdict::under_way:
        CAF_FAIL("nothing is in work here");
        break;
      case verdict::forgotten:
        break;
    }
  }

  void check_bounds() {
    const auto queued = box_->parcels() - box_->window_parcels();
    CAF_REQUIRE(box_->window_parcels() <= options_.window_parcels);
    CAF_REQUIRE(box_->window_bytes() <= options_.window_bytes || box_->window_parcels() == 1);
    CAF_REQUIRE(queued <= options_.queue_parcels);
    CAF_REQUIRE(box_->bytes() - box_->window_bytes() <= options_.queue_bytes);
    CAF_REQUIRE(box_->parcels() == open_.size());
    uint64_t bytes = 0;
    for (const auto& [parcel, state] : open_) bytes += bytes_.at(parcel);
    CAF_REQUIRE(box_->bytes() == bytes);
  }

  std::mt19937_64 rng_;
  delivery_options options_;
  double loss_ = 0;
  std::optional<delivery_outbox> box_;
  std::optional<delivery_inbox> in_;
  int64_t now_ = 0;
  uint64_t order_ = 0;
  int steps_ = 0;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::map<uint64_t, uint64_t> bytes_;
  std::map<uint64_t, sent> open_;
  std::map<uint64_t, int> done_;
  std::string trace_;
};

}  // namespace

CAF_TEST(every parcel ends once on a network that loses reorders and repeats) {
  size_t delivered = 0;
  size_t given_up = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CAF_MESSAGE("seed " << seed);
    simulation run(seed);
    const auto trace = run.run();
    CAF_REQUIRE(run.delivered + run.given_up == 300);
    delivered += run.delivered;
    given_up += run.given_up;
    if (seed % 20 == 0) CAF_CHECK(simulation(seed).run() == trace);
  }
  CAF_CHECK(delivered > 60 * 300 / 2);
  CAF_CHECK(given_up > 0);
}
