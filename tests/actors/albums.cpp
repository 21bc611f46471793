#define CAF_SUITE actors.albums
#include "actors/albums.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "actors/query.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// What a test actor that stands for a node's albums was told, and what it knows itself.
struct other_albums {
  std::vector<album> told;
  std::vector<album> knows;
  size_t exchanges = 0;
  size_t tombstones = 0;
  /// Deletions that it knows of and others may not, each on a page of its own.
  std::vector<put_tombstone> hidden;
  int64_t dropped_ms_ago = INT64_MAX;
  /// It answers nothing about them.
  bool is_silent = false;
};

struct fixture : actor_fixture {
  fixture() { start(context); }

  /// A node on that context; the latest is the one that is asked.
  void start(const std::shared_ptr<node_context>& on) {
    const auto kept = on->directory->albums();
    CAF_REQUIRE(kept);
    aut = keep(sys.spawn(albums_behavior, context_ptr{on}, *kept));
    query = keep(sys.spawn(query_behavior, context_ptr{on}, aut));
    own.albums = aut;
    own.query = query;
    repair = fake<repair_actor>([](caf::event_based_actor*) -> caf::behavior {
      return {[](atom::update, const std::string&, const album_view_ptr&) {}};
    });
    tell(aut, atom::start_v, query, repair);
    set_view({});
  }

  void set_view(const std::vector<peer>& others) {
    const auto view = view_of(own, others);
    tell(aut, atom::peers_v, view);
    tell(query, atom::peers_v, view);
  }

  peer listening_node(uint64_t id, const std::shared_ptr<other_albums>& log) {
    auto p = other_node(id);
    p.handles.albums = fake<albums_actor>([log](caf::event_based_actor*) -> caf::behavior {
      return {[log](atom::exchange, const std::vector<album>& theirs) {
                ++log->exchanges;
                log->told.insert(log->told.end(), theirs.begin(), theirs.end());
                return log->knows;
              },
              [log](atom::here, atom::hide, const std::string&, uint64_t,
                    const std::string& bytes) -> caf::result<uint64_t> {
                const auto tombstones = decode_tombstones(bytes);
                if (!tombstones) return to_caf(tombstones.error());
                log->tombstones += tombstones->size();
                return uint64_t{0};
              }};
    });
    p.handles.query = fake<query_actor>([log](caf::event_based_actor*) -> caf::behavior {
      return {[](atom::here, atom::find, const find_request&) {
                query_answer nothing;
                nothing.rows = encode_rows(std::vector<image_row>{});
                return nothing;
              },
              [](atom::here, atom::hides, const std::string&, const std::string& marks) {
                const auto asked = decode_tombstones(marks);
                row_words out;
                out.words.assign(asked ? asked->size() : 0, char(row_word::unknown));
                return out;
              },
              [log](atom::here, atom::hidden,
                    const hidden_request& request) -> caf::result<hidden_page> {
                if (log->is_silent)
                  return to_caf({ec::unavailable, "query", "the node catches up", {}});
                const auto at = request.from.empty() ? size_t{0} : std::stoul(request.from);
                hidden_page page;
                std::vector<put_tombstone> some;
                if (at < log->hidden.size()) some.push_back(log->hidden[at]);
                page.tombstones = encode(some);
                if (at + 1 < log->hidden.size()) page.next = std::to_string(at + 1);
                page.dropped_ms_ago = log->dropped_ms_ago;
                return page;
              }};
    });
    return p;
  }

  result<album> create(const std::string& name) {
    album wanted;
    wanted.name = name;
    return ask<album>(aut, atom::create_v, wanted);
  }
  result<std::vector<album>> exchange(const std::vector<album>& states) {
    return ask<std::vector<album>>(aut, atom::exchange_v, states);
  }
  std::vector<std::string> names() {
    const auto list = ask<std::vector<album>>(aut, atom::list_v);
    CAF_REQUIRE(list);
    std::vector<std::string> out;
    for (const auto& a : *list) out.push_back(a.name);
    return out;
  }
  result<parcel_answer> put(const album& target, size_t image) {
    const auto storage = ask<storage_actor>(aut, atom::album_of_v, target);
    if (!storage) return fail(storage.error());
    parcel p;
    p.target = target;
    p.content = image_message(sample_key(image), context->time->wall_ms());
    return ask<parcel_answer>(*storage, atom::put_v, p);
  }
  result<query_answer> find(const std::string& name) {
    find_request request;
    request.album = name;
    return ask<query_answer>(query, atom::here_v, atom::find_v, request);
  }
  size_t images(const std::string& name) {
    const auto answer = find(name);
    if (!answer) CAF_FAIL(to_string(answer.error()));
    return decode_image_rows(answer->rows)->size();
  }
  std::string path_of(const album& a) { return files / "node/albums/" + to_string(a.uid); }

  albums_actor aut;
  query_actor query;
  repair_actor repair;
  node_handles own;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(albums_tests, fixture)

CAF_TEST(an album that is created is kept and told to every peer) {
  auto second = std::make_shared<other_albums>();
  auto third = std::make_shared<other_albums>();
  set_view({listening_node(2, second), listening_node(3, third)});
  const auto made = create("europe");
  CAF_REQUIRE(made);
  CAF_CHECK(made->uid != hash128{});
  CAF_CHECK(names() == std::vector<std::string>{"europe"});
  for (const auto& log : {second, third}) {
    CAF_REQUIRE_EQUAL(log->told.size(), 1u);
    CAF_CHECK(log->told[0] == *made);
  }
  const auto kept = context->directory->albums();
  CAF_REQUIRE(kept);
  CAF_REQUIRE_EQUAL(kept->size(), 1u);
  CAF_CHECK(kept->front() == *made);
  CAF_CHECK_EQUAL(images("europe"), 0u);
}

CAF_TEST(an album that only another node knows is found by its name) {
  // Another node has created it, and could not reach this one while it told the others.
  album_directory elsewhere;
  const auto made = elsewhere.create({"asia"}, context->versions->next());
  CAF_REQUIRE(made);
  auto second = std::make_shared<other_albums>();
  second->knows = {*made};
  set_view({listening_node(2, second)});
  const auto found = ask<album>(aut, atom::get_v, std::string{"asia"});
  CAF_REQUIRE(found);
  CAF_CHECK(*found == *made);
  CAF_CHECK(names() == std::vector<std::string>{"asia"});
  CAF_CHECK_EQUAL(images("asia"), 0u);
  // A known one costs no question, an unknown one is unknown after one.
  const auto asked = second->exchanges;
  CAF_REQUIRE(ask<album>(aut, atom::get_v, std::string{"asia"}));
  CAF_CHECK_EQUAL(second->exchanges, asked);
  const auto unknown = ask<album>(aut, atom::get_v, std::string{"africa"});
  CAF_REQUIRE(!unknown);
  CAF_CHECK_EQUAL(int(unknown.error().code), int(ec::not_found));
  CAF_CHECK_EQUAL(second->exchanges, asked + 1);
}

CAF_TEST(names that are taken or cannot be are refused) {
  CAF_REQUIRE(create("europe"));
  const auto again = create("europe");
  CAF_REQUIRE(!again);
  CAF_CHECK_EQUAL(int(again.error().code), int(ec::already_exists));
  for (const std::string name : {"", ".hidden", "-x", "a/b", "a~b"}) {
    const auto bad = create(name);
    CAF_REQUIRE(!bad);
    CAF_CHECK_EQUAL(int(bad.error().code), int(ec::invalid_argument));
  }
  CAF_CHECK_EQUAL(names().size(), 1u);
}

CAF_TEST(an album has two copies where there are two nodes unless more or fewer are asked for) {
  album wanted;
  wanted.name = "alone";
  wanted.replication = 0;
  const auto alone = ask<album>(aut, atom::create_v, wanted);
  CAF_REQUIRE(alone);
  CAF_CHECK_EQUAL(alone->replication, 1u);
  auto log = std::make_shared<other_albums>();
  set_view({listening_node(2, log), listening_node(3, log)});
  wanted.name = "copies";
  const auto two = ask<album>(aut, atom::create_v, wanted);
  CAF_REQUIRE(two);
  CAF_CHECK_EQUAL(two->replication, 2u);
  wanted.name = "many";
  wanted.replication = 5;
  wanted.placement = replica_placement::parent;
  const auto many = ask<album>(aut, atom::create_v, wanted);
  CAF_REQUIRE(many);
  CAF_CHECK_EQUAL(many->replication, 5u);
  CAF_CHECK(many->placement == replica_placement::parent);
}

CAF_TEST(an album can be created while a node is away and the node learns it later) {
  auto log = std::make_shared<other_albums>();
  auto p = listening_node(2, log);
  p.reachable = false;
  p.member.state = member_state::down;
  set_view({p});
  CAF_REQUIRE(create("europe"));
  CAF_CHECK(log->told.empty());
  CAF_CHECK(log_text().find(node_name(2)) != std::string::npos);
  p.reachable = true;
  set_view({p});
  pass(defaults::album_exchange_interval + std::chrono::milliseconds{200});
  CAF_REQUIRE_EQUAL(log->told.size(), 1u);
  CAF_CHECK_EQUAL(log->told[0].name, "europe");
}

CAF_TEST(what a peer knows is taken over at the next exchange) {
  auto log = std::make_shared<other_albums>();
  log->knows = {make_album("asia")};
  set_view({listening_node(2, log)});
  pass(defaults::album_exchange_interval + std::chrono::milliseconds{200});
  CAF_CHECK(names() == std::vector<std::string>{"asia"});
  CAF_CHECK_EQUAL(context->directory->albums()->size(), 1u);
  CAF_CHECK_EQUAL(images("asia"), 0u);
}

CAF_TEST(peers are asked in turn and those that are away are left out) {
  auto second = std::make_shared<other_albums>();
  auto third = std::make_shared<other_albums>();
  auto away = std::make_shared<other_albums>();
  auto p = listening_node(4, away);
  p.reachable = false;
  set_view({listening_node(2, second), listening_node(3, third), p});
  pass(6 * defaults::album_exchange_interval + std::chrono::milliseconds{200});
  CAF_CHECK_EQUAL(second->exchanges, 3u);
  CAF_CHECK_EQUAL(third->exchanges, 3u);
  CAF_CHECK_EQUAL(away->exchanges, 0u);
}

CAF_TEST(the newer state wins in whatever order states come) {
  const auto open = make_album("europe");
  auto closed = open;
  closed.closed = true;
  closed.changed.wall_ms += 10;
  CAF_REQUIRE(exchange({closed}));
  const auto answer = exchange({open});
  CAF_REQUIRE(answer);
  CAF_REQUIRE_EQUAL(answer->size(), 1u);
  CAF_CHECK(answer->front() == closed);
  auto reopened = open;
  reopened.changed.wall_ms += 20;
  CAF_REQUIRE(exchange({reopened}));
  CAF_CHECK(*ask<album>(aut, atom::get_v, std::string{"europe"}) == reopened);
  CAF_CHECK(context->directory->albums()->front() == reopened);
  CAF_CHECK_EQUAL(images("europe"), 0u);
}

CAF_TEST(states that cannot be are left out and the others taken) {
  auto bad = make_album("bad");
  bad.name = "../../etc";
  CAF_REQUIRE(exchange({bad, make_album("good")}));
  CAF_CHECK(names() == std::vector<std::string>{"good"});
}

CAF_TEST(a deleted album stays deleted) {
  const auto made = create("europe");
  CAF_REQUIRE(made);
  CAF_REQUIRE(put(*made, 1));
  CAF_CHECK(std::filesystem::exists(path_of(*made)));
  const auto removed = ask<album>(aut, atom::remove_v, std::string{"europe"});
  CAF_REQUIRE(removed);
  CAF_CHECK(removed->deleted);
  auto newer = *made;
  newer.changed = {removed->changed.wall_ms + 1'000'000, 0, 2};
  CAF_REQUIRE(exchange({*made}));
  CAF_REQUIRE(exchange({newer}));
  CAF_CHECK(names().empty());
  CAF_CHECK(!find("europe"));
  const auto batch = put(newer, 2);
  CAF_REQUIRE(!batch);
  CAF_CHECK_EQUAL(int(batch.error().code), int(ec::not_found));
  CAF_CHECK(!std::filesystem::exists(path_of(*made)));
  // Its name is free.
  const auto again = create("europe");
  CAF_REQUIRE(again);
  CAF_CHECK(again->uid != made->uid);
  CAF_CHECK_EQUAL(images("europe"), 0u);
}

CAF_TEST(a batch brings along the album that the node has missed) {
  const auto missed = make_album("europe");
  const auto stored = put(missed, 1);
  CAF_REQUIRE(stored);
  CAF_CHECK(names() == std::vector<std::string>{"europe"});
  CAF_CHECK_EQUAL(images("europe"), 1u);
  CAF_CHECK_EQUAL(context->directory->albums()->size(), 1u);
  auto bad = make_album("x");
  bad.name = "";
  const auto refused = put(bad, 1);
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::invalid_argument));
}

CAF_TEST(two albums of one name are both kept and the later one is renamed) {
  const auto later = make_album("europe", 2000);
  const auto earlier = make_album("europe", 1000);
  CAF_REQUIRE(put(later, 1));
  CAF_CHECK_EQUAL(images("europe"), 1u);
  CAF_REQUIRE(put(earlier, 1));
  CAF_REQUIRE(put(earlier, 2));
  const auto renamed = "europe~" + to_string(later.uid).substr(0, 8);
  CAF_CHECK(names() == (std::vector<std::string>{"europe", renamed}));
  CAF_CHECK_EQUAL(images("europe"), 2u);
  CAF_CHECK_EQUAL(images(renamed), 1u);
  // When the earlier one goes, the other has its name again.
  CAF_REQUIRE(ask<album>(aut, atom::remove_v, std::string{"europe"}));
  CAF_CHECK(names() == std::vector<std::string>{"europe"});
  CAF_CHECK_EQUAL(images("europe"), 1u);
}

CAF_TEST(a closed album refuses queries and takes stores) {
  const auto made = create("europe");
  CAF_REQUIRE(made);
  CAF_REQUIRE(put(*made, 1));
  CAF_REQUIRE(ask<album>(aut, atom::close_v, std::string{"europe"}));
  const auto refused = find("europe");
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::unavailable));
  CAF_REQUIRE(put(*made, 2));
  CAF_REQUIRE(ask<album>(aut, atom::open_v, std::string{"europe"}));
  CAF_CHECK_EQUAL(images("europe"), 2u);
  const auto unknown = ask<album>(aut, atom::close_v, std::string{"asia"});
  CAF_REQUIRE(!unknown);
  CAF_CHECK_EQUAL(int(unknown.error().code), int(ec::not_found));
}

CAF_TEST(albums are there after a restart as they were) {
  const auto europe = create("europe");
  const auto asia = create("asia");
  const auto gone = create("gone");
  CAF_REQUIRE(europe && asia && gone);
  CAF_REQUIRE(put(*europe, 1));
  CAF_REQUIRE(ask<album>(aut, atom::close_v, std::string{"asia"}));
  CAF_REQUIRE(ask<album>(aut, atom::remove_v, std::string{"gone"}));
  for (const auto& handle : {caf::actor_cast<caf::actor>(query), caf::actor_cast<caf::actor>(aut)})
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
  settle();
  start(context);
  CAF_CHECK(names() == (std::vector<std::string>{"asia", "europe"}));
  CAF_CHECK_EQUAL(images("europe"), 1u);
  CAF_CHECK(!find("asia"));
  CAF_CHECK(!std::filesystem::exists(path_of(*gone)));
}

// The album came back when its opening had ended, and its files stayed.
CAF_TEST(an album that is deleted while it is being opened is gone) {
  auto jobs = std::make_shared<held_jobs>();
  const auto pool = context->writers;
  context->writers = held_executor(jobs);
  const auto a = make_album("europe");
  const auto waiting = begin<storage_actor>(aut, atom::album_of_v, a);
  settle();
  auto deleted = a;
  deleted.deleted = true;
  deleted.changed.wall_ms += 10;
  begin<std::vector<album>>(aut, atom::exchange_v, std::vector<album>{deleted});
  settle();
  // Writing down the new album and the deletion overtake the opening.
  CAF_REQUIRE(jobs->size() >= 2);
  std::rotate(jobs->waiting.begin(), jobs->waiting.end() - 1, jobs->waiting.end());
  std::rotate(jobs->answers.owed.begin(), jobs->answers.owed.end() - 1, jobs->answers.owed.end());
  while (jobs->size() > 0) {
    jobs->run_one();
    settle();
  }
  CAF_REQUIRE(waiting->has_value());
  CAF_CHECK(!**waiting);
  CAF_CHECK(names().empty());
  CAF_CHECK(!std::filesystem::exists(path_of(a)));
  context->writers = pool;
  CAF_CHECK(!put(a, 1));
}

CAF_TEST(an album that is closed while it is being opened is closed) {
  auto jobs = std::make_shared<held_jobs>();
  const auto pool = context->writers;
  const auto a = make_album("europe");
  context->writers = held_executor(jobs);
  begin<storage_actor>(aut, atom::album_of_v, a);
  settle();
  auto closed = a;
  closed.closed = true;
  closed.changed.wall_ms += 10;
  begin<std::vector<album>>(aut, atom::exchange_v, std::vector<album>{closed});
  settle();
  std::rotate(jobs->waiting.begin(), jobs->waiting.end() - 1, jobs->waiting.end());
  std::rotate(jobs->answers.owed.begin(), jobs->answers.owed.end() - 1, jobs->answers.owed.end());
  while (jobs->size() > 0) {
    jobs->run_one();
    settle();
  }
  context->writers = pool;
  const auto refused = find("europe");
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::unavailable));
}

CAF_TEST(deleting images brings tombstones to the nodes that hold the copies) {
  auto log = std::make_shared<other_albums>();
  auto p = listening_node(2, log);
  set_view({p});
  album wanted;
  wanted.name = "europe";
  wanted.replication = 2;
  const auto made = ask<album>(aut, atom::create_v, wanted);
  CAF_REQUIRE(made);
  CAF_REQUIRE(put(*made, 1));
  CAF_REQUIRE(put(*made, 2));
  *context->caught_up = true;
  time.now_ms += 1000;
  const auto erased = ask<uint64_t>(aut, atom::erase_v, std::string{"europe"}, filter{}, version{});
  if (!erased) CAF_FAIL(to_string(erased.error()));
  CAF_CHECK_EQUAL(*erased, 2u);
  CAF_CHECK_EQUAL(images("europe"), 0u);
  // The other one shows neither, and may get them from somebody later.
  CAF_CHECK_EQUAL(log->tombstones, 2u);
}

CAF_TEST(images are not deleted while nodes are away that may have more of them) {
  auto log = std::make_shared<other_albums>();
  auto p = listening_node(2, log);
  set_view({p});
  const auto made = create("europe");
  CAF_REQUIRE(made);
  p.reachable = false;
  set_view({p});
  const auto partly = ask<uint64_t>(aut, atom::erase_v, std::string{"europe"}, filter{}, version{});
  CAF_REQUIRE(!partly);
  CAF_CHECK_EQUAL(int(partly.error().code), int(ec::unavailable));
  CAF_CHECK(to_string(partly.error()).find(node_name(2)) != std::string::npos);
}

CAF_TEST(a deletion completes what an earlier one has left on one node alone) {
  auto log = std::make_shared<other_albums>();
  set_view({listening_node(2, log)});
  album wanted;
  wanted.name = "europe";
  wanted.replication = 2;
  const auto made = ask<album>(aut, atom::create_v, wanted);
  CAF_REQUIRE(made);
  *context->caught_up = true;
  for (size_t i = 1; i <= 3; ++i) CAF_REQUIRE(put(*made, i));
  // The other node hides two of them, and nobody has confirmed that.
  const version later{time.now_ms + 10, 0, 2};
  log->hidden = {{sample_key(1), later}, {sample_key(3), later}};
  time.now_ms += 1000;
  filter one;
  one.key = sample_key(2);
  const auto erased = ask<uint64_t>(aut, atom::erase_v, std::string{"europe"}, one, version{});
  if (!erased) CAF_FAIL(to_string(erased.error()));
  CAF_CHECK_EQUAL(*erased, 1u);
  CAF_CHECK_EQUAL(images("europe"), 0u);
  // It is not told what it has told itself.
  CAF_CHECK_EQUAL(log->tombstones, 1u);

  // Of two nodes that both confirm a deletion one knows of all of them. This one has not heard yet
  // that its own is on both.
  log->is_silent = true;
  const auto again = ask<uint64_t>(aut, atom::erase_v, std::string{"europe"}, one, version{});
  if (!again) CAF_FAIL(to_string(again.error()));
  CAF_CHECK_EQUAL(*again, 0u);
  CAF_CHECK_EQUAL(log->tombstones, 2u);
  log->is_silent = false;
  log->dropped_ms_ago = 0;
  const auto moving = ask<uint64_t>(aut, atom::erase_v, std::string{"europe"}, one, version{});
  CAF_REQUIRE(!moving);
  CAF_CHECK(to_string(moving.error()).find("moving") != std::string::npos);
}

CAF_TEST(tombstones of a node that knows another ring are refused) {
  const auto made = create("europe");
  CAF_REQUIRE(made);
  const auto none = encode(std::vector<put_tombstone>{});
  const auto refused =
      ask<uint64_t>(aut, atom::here_v, atom::hide_v, std::string{"europe"}, uint64_t{12345}, none);
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::conflict));
}

CAF_TEST(status counts what this node holds and names those that are away) {
  const auto made = create("europe");
  CAF_REQUIRE(made);
  CAF_REQUIRE(put(*made, 1));
  CAF_REQUIRE(put(*made, 2));
  auto away = other_node(2);
  away.reachable = false;
  set_view({away});
  const auto status = ask<album_status>(aut, atom::status_v, std::string{"europe"});
  CAF_REQUIRE(status);
  CAF_CHECK_EQUAL(status->total.images, 2u);
  CAF_REQUIRE_EQUAL(status->problems.size(), 1u);
  CAF_CHECK(status->problems[0].find(node_name(2)) != std::string::npos);
  const auto all = ask<storage_status>(aut, atom::here_v, atom::status_v);
  CAF_REQUIRE(all);
  CAF_CHECK_EQUAL(all->images, 2u);
}

CAF_TEST(an album that cannot be saved was not created) {
  bool full = true;
  auto sick = make_context(files / "sick");
  sick->writers = fake<executor_actor>([&full](caf::event_based_actor*) -> caf::behavior {
    return {[&full](atom::run, const job& todo) -> caf::result<bool> {
      if (full) return to_caf({ec::no_space, "write metadata", "the disk is full", {}});
      (*todo)();
      return true;
    }};
  });
  start(sick);
  const auto refused = create("europe");
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == ec::no_space);
  CAF_CHECK(names().empty());
  full = false;
  CAF_CHECK(create("europe"));
  full = true;
  CAF_CHECK(!ask<album>(aut, atom::remove_v, std::string{"europe"}));
  CAF_CHECK_EQUAL(names().size(), 1u);
}

CAF_TEST(a closed album that nobody asks for gives back its files and opens again) {
  const auto a = create("europe");
  CAF_REQUIRE(a);
  CAF_REQUIRE(put(*a, 1));
  const auto is_mapped = [&] {
    std::ifstream maps{"/proc/self/maps"};
    const std::string text{std::istreambuf_iterator<char>{maps}, {}};
    return text.find(to_string(a->uid)) != std::string::npos;
  };
  CAF_CHECK(is_mapped());
  // An open one stays.
  pass(defaults::idle_album + 2 * defaults::album_exchange_interval);
  CAF_CHECK(is_mapped());
  CAF_REQUIRE(ask<album>(aut, atom::close_v, std::string{"europe"}));
  CAF_REQUIRE(put(*a, 2));
  CAF_CHECK(is_mapped());
  pass(defaults::idle_album + 2 * defaults::album_exchange_interval);
  CAF_CHECK(!is_mapped());
  CAF_REQUIRE(put(*a, 3));
  CAF_CHECK(is_mapped());
  CAF_REQUIRE(ask<album>(aut, atom::open_v, std::string{"europe"}));
  CAF_CHECK_EQUAL(images("europe"), 3u);
}

CAF_TEST_FIXTURE_SCOPE_END()
