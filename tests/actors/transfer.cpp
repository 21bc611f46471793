#define CAF_SUITE actors.transfer
#include "actors/transfer.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

using receiver = owed_answers<parcel, parcel_answer>;

constexpr auto answer_of = [](uint8_t outcome) { return parcel_answer{{outcome}}; };

struct fixture : actor_fixture {
  fixture() {
    storage = fake<storage_actor>([log = writes](caf::event_based_actor* me) -> caf::behavior {
      return {runs_jobs,
              [me, log](atom::put, parcel& content) { return log->take(me, std::move(content)); }};
    });
    albums = fake<albums_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::album_of, const album&) { return storage; }};
    });
    aut = keep(sys.spawn(transfer_behavior, context_ptr{context}, albums));
    own.transfer = aut;
  }

  ~fixture() override {
    writes->owed.clear();
    for (auto& log : receivers) log->owed.clear();
  }

  /// A node whose parcels are logged.
  peer logging_node(uint64_t id, const std::shared_ptr<receiver>& log) {
    receivers.push_back(log);
    auto p = other_node(id);
    p.handles.transfer = fake<transfer_actor>([log](caf::event_based_actor* me) -> caf::behavior {
      return {runs_jobs, [me, log](atom::deliver, parcel& content) {
                return log->take(me, std::move(content));
              }};
    });
    return p;
  }

  void set_view(const std::vector<peer>& others, uint64_t version = 7) {
    tell(aut, atom::peers_v, view_of(own, others, {}, version));
  }

  /// Where the outcome of the shipment will be.
  awaited<parcel_answer> push(uint64_t node, uint64_t bytes = 1000,
                              std::function<bool()> abandoned = {}) {
    auto slot = std::make_shared<std::optional<result<parcel_answer>>>();
    auto s = std::make_shared<shipment>();
    s->node = node;
    s->bytes = bytes;
    s->abandoned = std::move(abandoned);
    s->answered = [slot](result<parcel_answer> answer) {
      CAF_CHECK(!*slot);  // once
      *slot = std::move(answer);
    };
    tell(aut, atom::push_v, shipment_ptr{s});
    return slot;
  }

  parcel parcel_from(uint64_t sender, uint64_t number, uint64_t incarnation = 1) {
    parcel p;
    p.sender = sender;
    p.incarnation = incarnation;
    p.number = number;
    p.ring_version = 7;
    return p;
  }

  std::shared_ptr<receiver> writes = std::make_shared<receiver>();
  std::vector<std::shared_ptr<receiver>> receivers;
  storage_actor storage;
  albums_actor albums;
  transfer_actor aut;
  node_handles own;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(transfer_tests, fixture)

// -- sending --------------------------------------------------------------------

CAF_TEST(no more parcels are under way than the window holds) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  std::vector<awaited<parcel_answer>> outcomes;
  for (int i = 0; i < 20; ++i) outcomes.push_back(push(2));
  CAF_REQUIRE_EQUAL(log->got.size(), 8u);
  for (size_t done = 1; done <= 12; ++done) {
    log->answer_next(answer_of(0));
    settle();
    CAF_REQUIRE_EQUAL(log->got.size(), 8 + done);
    CAF_CHECK_EQUAL(log->owed.size(), 8u);
  }
  while (!log->owed.empty()) log->answer_next(answer_of(0));
  settle();
  for (size_t i = 0; i < 20; ++i) {
    CAF_CHECK_EQUAL(log->got[i].number, i + 1);
    CAF_REQUIRE(outcomes[i]->has_value());
    CAF_CHECK((*outcomes[i])->has_value());
  }
}

CAF_TEST(bytes under way are bounded and a large parcel travels alone) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  const uint64_t mib = 1 << 20;
  for (const auto bytes : {5 * mib, 5 * mib, 12 * mib, mib}) push(2, bytes);
  for (size_t sent = 1; sent <= 4; ++sent) {
    CAF_CHECK_EQUAL(log->got.size(), sent);
    log->answer_next(answer_of(0));
    settle();
  }
}

CAF_TEST(a slow node does not hold up parcels to another) {
  auto slow = std::make_shared<receiver>();
  auto fast = std::make_shared<receiver>();
  set_view({logging_node(2, slow), logging_node(3, fast)});
  for (int i = 0; i < 10; ++i) push(2);
  auto outcome = push(3);
  CAF_REQUIRE_EQUAL(fast->owed.size(), 1u);
  fast->answer_next(answer_of(1));
  settle();
  CAF_REQUIRE(outcome->has_value());
  CAF_CHECK_EQUAL(int((*outcome)->value().chips.at(0)), 1);
}

CAF_TEST(an attempt that failed is repeated with the same number after a rest) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  auto outcome = push(2);
  log->fail_next({ec::unavailable, "take in chips", "busy", {}});
  settle();
  CAF_CHECK_EQUAL(log->got.size(), 1u);
  pass(100);
  CAF_CHECK_EQUAL(log->got.size(), 1u);
  pass(200);
  CAF_REQUIRE_EQUAL(log->got.size(), 2u);
  CAF_CHECK_EQUAL(log->got[0].number, log->got[1].number);
  CAF_CHECK_EQUAL(log->got[1].sender, own_id);
  CAF_CHECK(!outcome->has_value());
  log->answer_next(answer_of(0));
  settle();
  CAF_REQUIRE(outcome->has_value());
  CAF_CHECK((*outcome)->has_value());
}

CAF_TEST(a parcel without an answer is sent again after its deadline) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  auto outcome = push(2);
  pass(defaults::parcel_deadline);
  CAF_CHECK_EQUAL(log->got.size(), 1u);
  pass(500);
  CAF_CHECK_EQUAL(log->got.size(), 2u);
  // The answer to the second attempt counts.
  log->owed.pop_front();
  log->answer_next(answer_of(0));
  settle();
  CAF_REQUIRE(outcome->has_value());
  CAF_CHECK((*outcome)->has_value());
  pass(2 * defaults::parcel_deadline);
  CAF_CHECK_EQUAL(log->got.size(), 2u);
}

CAF_TEST(a parcel that nobody answers is given up and the node is named) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  auto outcome = push(2);
  pass(5 * defaults::parcel_deadline);
  CAF_CHECK_EQUAL(log->got.size(), 4u);
  CAF_REQUIRE(outcome->has_value());
  const auto why = (*outcome)->error();
  CAF_MESSAGE(to_string(why));
  CAF_CHECK_EQUAL(int(why.code), int(ec::timeout));
  CAF_CHECK(to_string(why).find(node_name(2)) != std::string::npos);
}

CAF_TEST(a node that keeps refusing for a while is named when its parcel is given up) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  auto outcome = push(2);
  // A node that is started again takes a while: it is waited for, and not for ever.
  const auto began = time.now_ms;
  while (!outcome->has_value()) {
    CAF_REQUIRE(time.now_ms - began < 2 * defaults::parcel_patience.count());
    if (!log->owed.empty())
      log->fail_next({ec::unavailable, "take in a parcel", "its first copy is being written", {}});
    pass(100);
  }
  CAF_CHECK(time.now_ms - began >= defaults::parcel_patience.count());
  const auto why = to_string((*outcome)->error());
  CAF_MESSAGE(why);
  CAF_CHECK(why.find(node_name(2)) != std::string::npos);
  CAF_CHECK(why.find("given up after") != std::string::npos);
}

CAF_TEST(a parcel that rests is dropped when its task is stopped) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  bool stopped = false;
  auto outcome = push(2, 1000, [&stopped] { return stopped; });
  log->fail_next({ec::unavailable, "take in a parcel", "the node has just started", {}});
  settle();
  pass(defaults::tick_interval);
  CAF_CHECK(!outcome->has_value());
  stopped = true;
  pass(defaults::tick_interval);
  CAF_REQUIRE(outcome->has_value());
  CAF_CHECK_EQUAL(int((*outcome)->error().code), int(ec::stopped));
  pass(2 * defaults::parcel_patience);
  CAF_CHECK_EQUAL(log->got.size(), 1u);
}

CAF_TEST(a refusal with a reason is final) {
  auto log = std::make_shared<receiver>();
  set_view({logging_node(2, log)});
  for (const auto code : {ec::malformed, ec::no_space, ec::not_found, ec::invalid_argument}) {
    auto outcome = push(2);
    const auto sent = log->got.size();
    log->fail_next({code, "store chips", "the reason", "the advice"});
    pass(10'000);
    CAF_CHECK_EQUAL(log->got.size(), sent);
    CAF_REQUIRE(outcome->has_value());
    const auto why = (*outcome)->error();
    CAF_CHECK_EQUAL(int(why.code), int(code));
    CAF_CHECK_EQUAL(why.why, "the reason");
  }
}

CAF_TEST(a node that is away is tried again and is unavailable in the end) {
  auto log = std::make_shared<receiver>();
  auto p = logging_node(2, log);
  p.reachable = false;
  p.member.state = member_state::down;
  set_view({p});
  auto outcome = push(2);
  pass(300);
  CAF_CHECK(!outcome->has_value());
  pass(defaults::parcel_patience / 2);
  CAF_CHECK(!outcome->has_value());
  pass(defaults::parcel_patience);
  CAF_REQUIRE(outcome->has_value());
  const auto why = (*outcome)->error();
  CAF_MESSAGE(to_string(why));
  CAF_CHECK_EQUAL(int(why.code), int(ec::unavailable));
  CAF_CHECK(to_string(why).find(node_name(2)) != std::string::npos);
  CAF_CHECK(to_string(why).find("down") != std::string::npos);
  CAF_CHECK(log->got.empty());
}

CAF_TEST(a node that comes back in time gets its parcels) {
  auto log = std::make_shared<receiver>();
  auto p = logging_node(2, log);
  p.reachable = false;
  set_view({p});
  std::vector<awaited<parcel_answer>> outcomes;
  for (int i = 0; i < 10; ++i) outcomes.push_back(push(2));
  pass(300);
  p.reachable = true;
  set_view({p});
  for (int i = 0; i < 10; ++i) {
    pass(1000);
    while (!log->owed.empty()) log->answer_next(answer_of(0));
    settle();
  }
  for (const auto& outcome : outcomes) {
    CAF_REQUIRE(outcome->has_value());
    CAF_CHECK((*outcome)->has_value());
  }
}

CAF_TEST(chips for a node that is no member are refused) {
  set_view({});
  auto outcome = push(99);
  pass(2 * defaults::parcel_patience);
  CAF_REQUIRE(outcome->has_value());
  const auto why = (*outcome)->error();
  CAF_CHECK_EQUAL(int(why.code), int(ec::unavailable));
  CAF_CHECK(to_string(why).find("no member") != std::string::npos);
}

CAF_TEST(another ring on the other side is retried with the new ring) {
  auto log = std::make_shared<receiver>();
  const auto p = logging_node(2, log);
  set_view({p}, 7);
  auto outcome = push(2);
  CAF_CHECK_EQUAL(log->got.at(0).ring_version, 7u);
  log->fail_next({ec::conflict, "take in chips", "the two nodes know different rings", {}});
  settle();
  set_view({p}, 8);
  pass(300);
  CAF_REQUIRE_EQUAL(log->got.size(), 2u);
  CAF_CHECK_EQUAL(log->got[1].ring_version, 8u);
  log->answer_next(answer_of(0));
  settle();
  CAF_CHECK(outcome->has_value() && (*outcome)->has_value());
}

// -- taking in ------------------------------------------------------------------

CAF_TEST(a node sends to itself in the same way) {
  set_view({});
  auto outcome = push(own_id);
  CAF_REQUIRE_EQUAL(writes->got.size(), 1u);
  writes->answer_next(answer_of(1));
  settle();
  CAF_REQUIRE(outcome->has_value());
  CAF_CHECK_EQUAL(int((*outcome)->value().chips.at(0)), 1);
}

CAF_TEST(a repeated parcel is answered as before and not written twice) {
  set_view({other_node(2)});
  const auto first = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  writes->answer_next(answer_of(2));
  settle();
  CAF_REQUIRE(first->has_value());
  for (int i = 0; i < 3; ++i) {
    const auto again = ask<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
    CAF_REQUIRE(again);
    CAF_CHECK_EQUAL(int(again->chips.at(0)), 2);
  }
  CAF_CHECK_EQUAL(writes->got.size(), 1u);
}

CAF_TEST(a copy of a parcel that is still being written is put off) {
  set_view({other_node(2)});
  const auto first = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  const auto second = ask<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  CAF_REQUIRE(!second);
  CAF_CHECK_EQUAL(int(second.error().code), int(ec::unavailable));
  CAF_CHECK_EQUAL(writes->got.size(), 1u);
  writes->answer_next(answer_of(0));
  settle();
  CAF_REQUIRE(first->has_value());
  const auto third = ask<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  CAF_CHECK(third);
}

CAF_TEST(a parcel that could not be written may be sent again) {
  set_view({other_node(2)});
  const auto first = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  writes->fail_next({ec::no_space, "commit", "the disk is full", "free some space"});
  settle();
  CAF_REQUIRE(first->has_value());
  CAF_CHECK_EQUAL(int((*first)->error().code), int(ec::no_space));
  const auto second = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  CAF_REQUIRE_EQUAL(writes->got.size(), 2u);
  writes->answer_next(answer_of(0));
  settle();
  CAF_CHECK(second->has_value() && (*second)->has_value());
}

CAF_TEST(a sender that was started again counts from one) {
  set_view({other_node(2)});
  for (uint64_t incarnation = 1; incarnation <= 2; ++incarnation) {
    const auto answer = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1, incarnation));
    settle();
    CAF_REQUIRE_EQUAL(writes->got.size(), incarnation);
    writes->answer_next(answer_of(0));
    settle();
    CAF_CHECK(answer->has_value() && (*answer)->has_value());
  }
}

CAF_TEST(what an earlier life of a sender had delivered is forgotten) {
  auto p = other_node(2);
  set_view({p});
  const auto answer = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  writes->answer_next(answer_of(0));
  settle();
  auto& state =
      deref<std::remove_pointer_t<transfer_actor::stateful_pointer<transfer_state>>>(aut).state;
  CAF_CHECK_EQUAL(state.inboxes.size(), 1u);
  p.member.info.incarnation = 2;
  set_view({p});
  CAF_CHECK_EQUAL(state.inboxes.size(), 0u);
}

CAF_TEST(chips that were placed by another ring are refused) {
  set_view({other_node(2)}, 8);
  const auto refused = ask<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::conflict));
  CAF_CHECK(writes->got.empty());
  set_view({other_node(2)}, 7);
  const auto taken = begin<parcel_answer>(aut, atom::deliver_v, parcel_from(2, 1));
  settle();
  CAF_REQUIRE_EQUAL(writes->got.size(), 1u);
  writes->answer_next(answer_of(0));
  settle();
  CAF_CHECK(taken->has_value() && (*taken)->has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
