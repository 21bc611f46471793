#define CAF_SUITE cluster.task_ledger
#include "libstip/cluster/task_ledger.hpp"

#include <caf/test/unit_test.hpp>
#include <deque>
#include <functional>

#include "libstip/cluster/member.hpp"

using namespace stip;

namespace {

constexpr uint64_t a = 0xa, b = 0xb, c = 0xc, d = 0xd;

/// Ledgers of several nodes on a network that loses nothing, until a test says so.
struct fixture {
  struct node {
    std::unique_ptr<task_ledger> ledger;
    node_presence seen = node_presence::live;
    /// What was asked of its loader and is not done.
    std::map<std::string, task_part> works;
    std::map<std::string, std::string> disk;
    std::string verdicts;
    size_t begun = 0;
  };
  std::map<uint64_t, node> nodes;
  task_moment now{1'000'000, 1'700'000'000'000};

  void add(uint64_t id, bool resumes = true) {
    task_ledger::options o;
    o.resumes = resumes;
    nodes[id].ledger = std::make_unique<task_ledger>(id, o);
  }
  void make(std::initializer_list<uint64_t> ids) {
    for (const auto id : ids) add(id);
    spread();
  }
  task_ledger& at(uint64_t id) { return *nodes.at(id).ledger; }

  /// Tells the nodes that live how they see each other, and carries letters until there are none.
  void spread() {
    std::vector<task_node> members;
    for (const auto& [id, n] : nodes) members.push_back({id, n.seen});
    for (auto& [id, n] : nodes)
      if (n.seen == node_presence::live) n.ledger->see(now, members);
    carry_letters();
  }
  void carry_letters() {
    for (bool any = true; any;) {
      any = false;
      for (auto& [id, n] : nodes) {
        if (n.seen != node_presence::live) continue;
        for (auto& effect : n.ledger->take_effects()) {
          any = true;
          carry_out(id, effect);
        }
        for (auto& change : n.ledger->take_changes(now, true)) {
          if (change.bytes)
            n.disk[change.name] = *change.bytes;
          else
            n.disk.erase(change.name);
        }
        if (auto v = n.ledger->take_verdicts()) n.verdicts = *v;
      }
    }
  }
  void carry_out(uint64_t id, task_effect& effect) {
    auto& n = nodes.at(id);
    if (auto* s = std::get_if<send_task_letter>(&effect)) {
      auto& to = nodes.at(s->to);
      if (to.seen != node_presence::live) return;
      const auto letter = decode_task_letter(s->letter);
      if (!letter) CAF_FAIL(to_string(letter.error()));
      to.ledger->received(now, id, *letter);
    } else if (auto* begin = std::get_if<begin_task_work>(&effect)) {
      ++n.begun;
      n.works[to_string(begin->part.run())] = begin->part;
    } else {
      n.works.erase(to_string(std::get<end_task_work>(effect).run));
    }
  }
  void pass(int64_t ms) {
    for (int64_t i = 0; i < ms; i += 100) {
      now.steady_ms += 100;
      now.wall_ms += 100;
      for (auto& [id, n] : nodes)
        if (n.seen == node_presence::live) n.ledger->tick(now);
      carry_letters();
    }
  }
  void lose(uint64_t id) {
    nodes.at(id).seen = node_presence::lost;
    spread();
  }
  void come_back(uint64_t id) {
    nodes.at(id).seen = node_presence::live;
    spread();
  }
  /// A new process on the same directory.
  void restart(uint64_t id, bool resumes = true) {
    auto& n = nodes.at(id);
    n.works.clear();
    add(id, resumes);
    if (!n.verdicts.empty()) {
      const auto verdicts = decode_task_verdicts(n.verdicts);
      if (!verdicts) CAF_FAIL(to_string(verdicts.error()));
      n.ledger->restore(now, *verdicts);
    }
    for (const auto& [name, bytes] : n.disk) {
      auto part = decode_task_part(bytes);
      if (!part) CAF_FAIL(to_string(part.error()));
      n.ledger->restore(now, std::move(*part));
    }
    come_back(id);
  }

  static task_wish store(const std::string& id, int64_t began = 1) {
    task_wish w;
    w.task.id = id;
    w.task.kind = "store";
    w.task.album = "europe";
    w.task.began = {began, 0, a};
    w.work = "what to store";
    return w;
  }
  static task_inputs inputs(size_t n) {
    std::vector<std::string> names;
    for (size_t i = 0; i < n; ++i) names.push_back("/in/" + std::to_string(i) + ".tif");
    return std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  void begin(uint64_t node, const std::string& id, size_t count) {
    const auto started = at(node).start(now, store(id));
    if (!started) CAF_FAIL(to_string(started.error()));
    carry_letters();
    if (count > 0) at(node).list_inputs(now, only_work(node).run(), inputs(count));
    carry_letters();
  }
  const task_part& only_work(uint64_t node) {
    CAF_REQUIRE_EQUAL(nodes.at(node).works.size(), 1u);
    return nodes.at(node).works.begin()->second;
  }
  bool settle(uint64_t node, size_t index, input_outcome::kind what = input_outcome::kind::done) {
    const bool taken = at(node).settle_input(
        now, only_work(node).run(),
        {what, index, 10, "/in/" + std::to_string(index) + ".tif", "it is torn"});
    carry_letters();
    return taken;
  }
  bool end_work(uint64_t node, const work_end& how = {}) {
    const auto run = only_work(node).run();
    nodes.at(node).works.clear();
    const bool taken = at(node).end_work(now, run, how);
    carry_letters();
    return taken;
  }
  /// Does what is left on that node.
  void work_through(uint64_t node) {
    const auto part = only_work(node);
    if (!part.listed) at(node).list_inputs(now, part.run(), inputs(4));
    const auto left = part.listed ? part.settled : std::vector<bool>(4);
    for (size_t i = 0; i < left.size(); ++i)
      if (!left[i]) settle(node, i);
    end_work(node);
  }
  bool works(uint64_t node) { return !nodes.at(node).works.empty(); }
  task_record seen(uint64_t node, const std::string& id) {
    auto found = at(node).find(id);
    if (!found) CAF_FAIL("node " << node_name(node) << " does not know " << id);
    return *found;
  }
  std::string state(uint64_t node, const std::string& id) {
    const auto found = at(node).find(id);
    return found ? std::string{to_string(found->state)} : "unknown";
  }
  void stop(uint64_t node, const std::string& id) {
    at(node).decide(now, {{id, *at(node).latest(id), task_verdict::kind::stopped, now.wall_ms}});
    carry_letters();
  }
  void clear(uint64_t node, const std::string& id) {
    at(node).decide(now, {{id, *at(node).latest(id), task_verdict::kind::cleared, now.wall_ms}});
    carry_letters();
  }
  uint64_t worker() {
    for (const auto& [id, n] : nodes)
      if (n.seen == node_presence::live && !n.works.empty()) return id;
    return 0;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(task_ledger_tests, fixture)

CAF_TEST(a task runs from its start to its end and others know how far it is) {
  make({a, b, c});
  begin(a, "t", 3);
  CAF_CHECK(at(a).is_copied("t"));
  settle(a, 0);
  settle(a, 1, input_outcome::kind::skipped);
  pass(300);
  for (const auto node : {a, b, c}) {
    const auto task = seen(node, "t");
    CAF_CHECK(task.running());
    CAF_CHECK_EQUAL(task.completed, 1u);
    CAF_CHECK_EQUAL(task.skipped, 1u);
    CAF_CHECK_EQUAL(task.total, 3u);
    CAF_CHECK_EQUAL(task.bytes, 20u);
    CAF_CHECK(task.errors == std::vector<task_error>({{"/in/1.tif", a, "it is torn"}}));
    CAF_REQUIRE_EQUAL(task.shares.size(), 1u);
    CAF_CHECK_EQUAL(task.shares[0].node, a);
  }
  settle(a, 2);
  // What is reported twice counts once.
  settle(a, 2);
  end_work(a);
  pass(300);
  for (const auto node : {a, b, c}) {
    CAF_CHECK(state(node, "t") == "done");
    CAF_CHECK(seen(node, "t").completed == 2u);
  }
  CAF_CHECK_EQUAL(at(a).running(), 0u);
}

CAF_TEST(what a lost node had not done is done by another once) {
  make({a, b, c, d});
  begin(a, "t", 4);
  settle(a, 1);
  settle(a, 3);
  pass(500);
  lose(a);
  pass(4'000);
  CAF_CHECK_EQUAL(worker(), 0u);
  pass(3'000);
  const auto next = worker();
  CAF_REQUIRE(next != 0);
  CAF_CHECK(only_work(next).settled == std::vector<bool>({false, true, false, true}));
  CAF_CHECK(*only_work(next).inputs == *inputs(4));
  size_t working = 0;
  for (const auto node : {b, c, d}) working += works(node);
  CAF_CHECK_EQUAL(working, 1u);
  work_through(next);
  pass(500);
  for (const auto node : {b, c, d}) {
    CAF_CHECK(state(node, "t") == "done");
    CAF_CHECK(seen(node, "t").completed == 4u);
    CAF_CHECK(seen(node, "t").shares ==
              std::vector<task_share>({{a, next, task_state::done, 4, 0, 4}}));
  }
}

CAF_TEST(a node that was frozen gives up what another has taken over) {
  make({a, b, c});
  begin(a, "t", 4);
  settle(a, 0);
  pass(500);
  lose(a);
  pass(6'000);
  const auto next = worker();
  CAF_REQUIRE(next != 0);
  // It goes on where it was, and says what it has done meanwhile.
  const auto before = only_work(a).run();
  come_back(a);
  pass(500);
  CAF_CHECK(!works(a));
  CAF_CHECK(!at(a).settle_input(now, before, {input_outcome::kind::done, 1, 10, {}, {}}));
  work_through(next);
  pass(500);
  for (const auto node : {a, b, c}) {
    CAF_CHECK(state(node, "t") == "done");
    CAF_CHECK(seen(node, "t").completed == 4u);
    CAF_CHECK(seen(node, "t").total == 4u);
  }
}

CAF_TEST(a frozen node learns that its part was also brought to its end) {
  make({a, b, c});
  begin(a, "t", 2);
  lose(a);
  pass(6'000);
  work_through(worker());
  pass(5'000);
  come_back(a);
  pass(200);
  CAF_CHECK(!works(a));
  CAF_CHECK(state(a, "t") == "done");
}

CAF_TEST(a node that is restarted at once goes on where it was) {
  make({a, b, c});
  begin(a, "t", 4);
  settle(a, 2);
  pass(2'500);
  lose(a);
  pass(1'000);
  restart(a);
  CAF_CHECK(state(a, "t") == "running");
  pass(300);
  CAF_CHECK(works(a) && !works(b) && !works(c));
  CAF_CHECK(only_work(a).settled == std::vector<bool>({false, false, true, false}));
  work_through(a);
  CAF_CHECK(seen(a, "t").completed == 4u);
  CAF_CHECK(state(a, "t") == "done");
}

CAF_TEST(a restarted node asks the others before it goes on) {
  make({a, b, c});
  begin(a, "t", 2);
  pass(500);
  lose(a);
  pass(6'000);
  const auto next = worker();
  CAF_REQUIRE(next != 0);
  const auto begun = nodes.at(a).begun;
  restart(a);
  pass(2'000);
  CAF_CHECK_EQUAL(nodes.at(a).begun, begun);
  CAF_CHECK(works(next));
}

CAF_TEST(the copies of others make up for what a restarted node had not written) {
  make({a, b, c});
  begin(a, "t", 4);
  pass(500);
  const auto old = nodes.at(a).disk;
  settle(a, 0);
  settle(a, 1);
  pass(500);
  nodes.at(a).disk = old;
  lose(a);
  restart(a);
  pass(500);
  CAF_CHECK(seen(a, "t").completed == 2u);
  CAF_CHECK(only_work(a).settled == std::vector<bool>({true, true, false, false}));
  // Even of the whole task.
  nodes.at(a).disk.clear();
  lose(a);
  restart(a);
  pass(12'000);
  CAF_REQUIRE(works(a));
  CAF_CHECK_EQUAL(only_work(a).task.completed, 2u);
}

CAF_TEST(inputs that only the lost node had are reported with its name) {
  make({a, b, c});
  begin(a, "t", 3);
  settle(a, 0);
  pass(500);
  lose(a);
  pass(6'000);
  const auto first = worker();
  CAF_REQUIRE(first != 0);
  settle(first, 1, input_outcome::kind::unreachable);
  settle(first, 2, input_outcome::kind::unreachable);
  end_work(first);
  const auto second = worker();
  CAF_REQUIRE(second != 0 && second != first);
  settle(second, 1);
  settle(second, 2, input_outcome::kind::unreachable);
  end_work(second);
  CAF_CHECK_EQUAL(worker(), 0u);
  pass(300);
  const auto task = seen(first, "t");
  CAF_CHECK(task.state == task_state::done);
  CAF_CHECK_EQUAL(task.completed, 2u);
  CAF_CHECK_EQUAL(task.skipped, 1u);
  CAF_REQUIRE_EQUAL(task.errors.size(), 1u);
  CAF_CHECK_EQUAL(task.errors[0].input, "/in/2.tif");
  CAF_CHECK_EQUAL(task.errors[0].node, a);
  CAF_MESSAGE(task.errors[0].reason);
  for (const auto node : {a, first, second})
    CAF_CHECK(task.errors[0].reason.find(node_name(node)) != std::string::npos);
}

CAF_TEST(what nobody else can open goes back to the node that has it) {
  make({a, b, c});
  begin(a, "t", 2);
  pass(500);
  lose(a);
  pass(6'000);
  const auto first = worker();
  CAF_REQUIRE(first != 0);
  restart(a);
  pass(500);
  end_work(first);
  pass(300);
  CAF_REQUIRE(works(a));
  work_through(a);
  pass(300);
  CAF_CHECK(seen(first, "t").completed == 2u);
  CAF_CHECK(state(b, "t") == "done");
}

CAF_TEST(a node that a part is handed to and that goes away is followed by the next) {
  make({a, b, c, d});
  begin(a, "t", 2);
  pass(500);
  lose(a);
  pass(6'000);
  const auto first = worker();
  end_work(first);
  const auto second = worker();
  CAF_REQUIRE(second != 0 && second != first);
  lose(second);
  pass(12'000);
  const auto third = worker();
  CAF_REQUIRE(third != 0);
  CAF_CHECK(third != first && third != second);
}

CAF_TEST(more inputs than are listed are looked for again) {
  make({a, b});
  begin(a, "t", 0);
  std::vector<std::string> many(defaults::max_listed_inputs + 1, "x");
  at(a).list_inputs(now, only_work(a).run(),
                    std::make_shared<const std::vector<std::string>>(many));
  settle(a, 5);
  settle(a, 9, input_outcome::kind::skipped);
  pass(500);
  CAF_CHECK(seen(b, "t").total == many.size());
  CAF_CHECK(seen(b, "t").completed == 1u);
  lose(a);
  pass(6'000);
  CAF_REQUIRE(works(b));
  CAF_CHECK(!only_work(b).listed);
  work_through(b);
  const auto task = seen(b, "t");
  CAF_CHECK_EQUAL(task.completed, 4u);
  CAF_CHECK_EQUAL(task.total, 4u);
  CAF_CHECK_EQUAL(task.skipped, 0u);
  CAF_CHECK(task.errors.empty());
}

CAF_TEST(a part of every node goes to the nodes that others are lost or not ) {
  make({a, b, c});
  auto wish = store("t");
  wish.own_files = true;
  wish.others = {b, c};
  CAF_REQUIRE(at(a).start(now, wish).has_value());
  carry_letters();
  CAF_CHECK(works(a) && works(b) && works(c));
  CAF_CHECK(at(a).is_copied("t"));
  CAF_CHECK_EQUAL(only_work(b).task.node, b);
  // The one that was asked goes away before it has listed its own files: nobody else knows them.
  lose(a);
  work_through(b);
  pass(6'000);
  work_through(c);
  pass(500);
  CAF_CHECK(!works(b) && !works(c));
  const auto task = seen(b, "t");
  CAF_CHECK(task.state == task_state::done);
  CAF_CHECK_EQUAL(task.completed, 8u);
  CAF_CHECK_EQUAL(task.skipped, 1u);
  CAF_REQUIRE_EQUAL(task.errors.size(), 1u);
  CAF_MESSAGE(task.errors[0].reason);
  CAF_CHECK_EQUAL(task.errors[0].node, a);
  CAF_CHECK_EQUAL(task.shares.size(), 3u);
}

CAF_TEST(a node that sees few of the others takes nothing over) {
  make({a, b, c, d});
  begin(a, "t", 2);
  pass(500);
  // Node b is cut off: it sees nobody.
  at(b).see(now, {{a, node_presence::lost},
                  {b, node_presence::live},
                  {c, node_presence::lost},
                  {d, node_presence::lost}});
  pass(60'000);
  CAF_CHECK(!works(b));
  CAF_CHECK(works(a));
}

CAF_TEST(a stopped task stays stopped on nodes that were away) {
  make({a, b, c});
  begin(a, "t", 4);
  settle(a, 0);
  pass(500);
  lose(a);
  pass(1'000);
  stop(c, "t");
  CAF_CHECK(state(b, "t") == "stopped");
  pass(20'000);
  CAF_CHECK_EQUAL(worker(), 0u);
  // Frozen: it goes on for the moment that it takes to tell it.
  come_back(a);
  CAF_CHECK(!works(a));
  CAF_CHECK(state(a, "t") == "stopped");
  CAF_CHECK(seen(a, "t").completed == 1u);
}

CAF_TEST(a stopped task does not begin again on a node that is restarted) {
  make({a, b, c});
  begin(a, "t", 4);
  pass(500);
  lose(a);
  stop(b, "t");
  const auto begun = nodes.at(a).begun;
  restart(a);
  pass(20'000);
  CAF_CHECK_EQUAL(nodes.at(a).begun, begun);
  for (const auto node : {a, b, c}) CAF_CHECK(state(node, "t") == "stopped");
  // Nor when all of them are restarted.
  for (const auto node : {a, b, c}) lose(node);
  for (const auto node : {a, b, c}) restart(node);
  pass(20'000);
  CAF_CHECK_EQUAL(worker(), 0u);
  CAF_CHECK(state(a, "t") == "stopped");
}

CAF_TEST(a stop holds for parts that are taken over later) {
  make({a, b, c, d});
  begin(a, "t", 4);
  pass(500);
  lose(a);
  pass(6'000);
  const auto next = worker();
  CAF_REQUIRE(next != 0);
  lose(next);
  for (const auto node : {b, c, d})
    if (node != next) {
      stop(node, "t");
      break;
    }
  pass(30'000);
  CAF_CHECK_EQUAL(worker(), 0u);
}

CAF_TEST(a cleared task does not come back with a node that was away) {
  make({a, b, c});
  begin(a, "t", 1);
  work_through(a);
  pass(500);
  lose(a);
  clear(b, "t");
  CAF_CHECK(state(b, "t") == "unknown");
  come_back(a);
  pass(1'000);
  for (const auto node : {a, b, c}) CAF_CHECK(state(node, "t") == "unknown");
  lose(a);
  restart(a);
  pass(1'000);
  for (const auto node : {a, b, c}) CAF_CHECK(state(node, "t") == "unknown");
  // The same id may be used again.
  CAF_CHECK(at(a).start(now, store("t", 1)).error().code == ec::conflict);
  CAF_REQUIRE(at(a).start(now, store("t", 2)).has_value());
  carry_letters();
  pass(5'000);
  for (const auto node : {a, b, c}) CAF_CHECK(state(node, "t") == "running");
}

CAF_TEST(an id that begins anew supersedes what a node that was away knows) {
  make({a, b, c});
  begin(a, "t", 2);
  pass(500);
  lose(a);
  pass(6'000);
  work_through(worker());
  auto again = store("t", 2);
  CAF_REQUIRE(at(b).start(now, again).has_value());
  carry_letters();
  CAF_CHECK(seen(c, "t").total == 0u);
  come_back(a);
  pass(12'000);
  CAF_CHECK(!works(a));
  std::vector<task_part> all = at(a).parts("t");
  for (const auto& part : at(b).parts("t")) all.push_back(part);
  const auto merged = merge_parts(all);
  CAF_REQUIRE_EQUAL(merged.size(), 1u);
  CAF_CHECK(merged[0].running());
  CAF_CHECK_EQUAL(merged[0].completed, 0u);
}

CAF_TEST(a task that cannot go on elsewhere fails with its node) {
  make({a, b});
  auto wish = store("r");
  wish.task.kind = "repair";
  wish.work.clear();
  CAF_REQUIRE(at(a).start(now, wish).has_value());
  pass(500);
  task_record news;
  news.id = "r";
  news.completed = 2;
  news.total = 5;
  CAF_CHECK(at(a).update(now, news));
  pass(500);
  CAF_CHECK(seen(b, "r").completed == 2u);
  lose(a);
  pass(7'000);
  CAF_CHECK(state(b, "r") == "failed");
  CAF_MESSAGE(seen(b, "r").errors.at(0).reason);
  // It was only frozen, and is still at it.
  come_back(a);
  pass(500);
  CAF_CHECK(at(a).update(now, news));
  pass(500);
  CAF_CHECK(state(b, "r") == "running");
  CAF_CHECK(seen(b, "r").completed == 4u);
  lose(a);
  restart(a);
  CAF_CHECK(state(a, "r") == "failed");
  CAF_CHECK(seen(a, "r").errors.at(0).reason == "the node was restarted");
  pass(500);
  CAF_CHECK(state(b, "r") == "failed");
}

CAF_TEST(a node that does not resume tells that it was restarted) {
  make({a});
  begin(a, "t", 3);
  settle(a, 0);
  lose(a);
  restart(a, false);
  pass(1'000);
  CAF_CHECK(!works(a));
  CAF_CHECK(state(a, "t") == "failed");
  CAF_CHECK(seen(a, "t").completed == 1u);
  CAF_CHECK(seen(a, "t").errors.at(0).reason == "the node was restarted");
}

CAF_TEST(a part without inputs fails unless that is no failure of its kind) {
  make({a});
  for (const bool may_be_idle : {false, true}) {
    const std::string id = may_be_idle ? "idle" : "empty";
    begin(a, id, 0);
    at(a).list_inputs(now, only_work(a).run(), inputs(0));
    carry_letters();
    work_end how;
    how.may_be_idle = may_be_idle;
    end_work(a, how);
    const auto task = seen(a, id);
    CAF_CHECK(task.state == (may_be_idle ? task_state::done : task_state::failed));
    CAF_CHECK_EQUAL(task.errors.empty(), may_be_idle);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
