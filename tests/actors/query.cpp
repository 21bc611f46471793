#define CAF_SUITE actors.query
#include "actors/query.hpp"

#include "actors/storage.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// The rows that a test actor holds as a node, and how many it gives at a time.
struct shelf {
  std::vector<image_row> rows;
  size_t page = 1000;
  size_t asked = 0;
  bool lacks_chips = false;
  /// What it says of its copies, and what speaks against rows of others, by their keys.
  bool is_settled = true;
  int64_t dropped_ms_ago = INT64_MAX;
  /// The same when it is asked again.
  int64_t dropped_later_ms_ago = INT64_MAX;
  std::map<std::string, row_word> words;
  size_t asked_again = 0;
};

image_row make_row(size_t number, const std::string& node) {
  image_row row;
  row.key = sample_key(number);
  row.key.tile = "t" + std::to_string(number);
  row.key.timestamp = static_cast<epoch_seconds>(1'000'000 + (number * 7919) % 100 * 3600);
  row.pixel_coverage = 1;
  row.nodes = {node};
  subdataset_row s;
  s.id = "10m";
  s.bands = {"1"};
  s.width = s.height = 8;
  s.pixel_coverage = 1;
  row.subdatasets = {s};
  return row;
}

struct fixture : actor_fixture {
  fixture() {
    albums = fake<albums_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::get, const std::string& name) -> caf::result<album> {
                for (const auto& [shown, a] : known)
                  if (shown == name) return a;
                return to_caf({ec::not_found, "find album '" + name + "'", "no album has it", {}});
              },
              [this](atom::album_of, const album& a) -> caf::result<storage_actor> {
                ++opened;
                if (!when_asked_to_open) return to_caf({ec::io_error, "open", "the disk", {}});
                when_asked_to_open(a);
                return storage_actor{};
              }};
    });
    aut = keep(sys.spawn(query_behavior, context_ptr{context}, albums));
    known["europe"] = make_album("europe");
  }

  peer holding_node(uint64_t id, const std::shared_ptr<shelf>& holds) {
    auto p = other_node(id);
    p.handles.query = fake<query_actor>([holds, id](caf::event_based_actor*) -> caf::behavior {
      return {[holds](atom::here, atom::find, const find_request& request) {
                ++holds->asked;
                auto rows = holds->rows;
                std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
                  return before(request.order, a.facts(), b.facts());
                });
                if (request.has_after)
                  std::erase_if(rows, [&](const auto& row) {
                    return !before(request.order, request.after, row.facts());
                  });
                auto limit = holds->page;
                if (request.limit > 0) limit = std::min<size_t>(limit, request.limit);
                query_answer answer;
                answer.more = rows.size() > limit;
                if (answer.more) rows.resize(limit);
                answer.rows = encode_rows(rows);
                answer.is_settled = holds->is_settled;
                answer.dropped_ms_ago = holds->dropped_ms_ago;
                return answer;
              },
              [holds](atom::here, atom::hides, const std::string&,
                      const std::string& marks) -> caf::result<row_words> {
                ++holds->asked_again;
                const auto asked = decode_tombstones(marks);
                if (!asked) return to_caf(asked.error());
                row_words out;
                out.dropped_ms_ago = holds->dropped_later_ms_ago;
                for (const auto& mark : *asked) {
                  const auto found = holds->words.find(to_string(mark.key));
                  const auto word = found == holds->words.end() ? row_word::unknown : found->second;
                  out.words.push_back(static_cast<char>(word));
                }
                return out;
              },
              [holds](atom::here, atom::extents, const find_request&) {
                query_answer answer;
                answer.rows =
                    encode_rows(std::vector<extent_row>{{"u", "P", "raw", 4, holds->rows.size()}});
                return answer;
              },
              [id, holds](atom::here, atom::manifest, const std::string&,
                          const std::string& key) -> caf::result<image_manifest> {
                if (holds->lacks_chips)
                  return to_caf({ec::not_found, "find image " + key, "there is none", {}});
                image_manifest m;
                m.node = node_name(id);
                return m;
              }};
    });
    return p;
  }

  /// This node holds nothing itself, unless `own` says more.
  void set_view(const std::vector<peer>& others, const std::vector<std::string>& missing = {}) {
    node_handles own;
    own.query = holding_node(own_id, own_shelf).handles.query;
    tell(aut, atom::peers_v, view_of(own, others, missing));
  }

  find_request request_of(const std::string& album) {
    find_request request;
    request.album = album;
    return request;
  }

  /// A real album with images on this node.
  album_view_ptr open_album(const album& a, size_t images) {
    auto view = open_album_view(context, a);
    if (!view) CAF_FAIL(to_string(view.error()));
    const auto storage = keep(sys.spawn(storage_behavior, context_ptr{context}, *view));
    for (size_t i = 0; i < images; ++i) {
      parcel p;
      p.target = a;
      p.content = image_message(sample_key(i), 1000);
      CAF_REQUIRE(ask<parcel_answer>(storage, atom::put_v, p));
    }
    return *view;
  }

  std::map<std::string, album> known;
  size_t opened = 0;
  std::function<void(const album&)> when_asked_to_open;
  std::shared_ptr<shelf> own_shelf = std::make_shared<shelf>();
  albums_actor albums;
  query_actor aut;
};

std::vector<image_row> rows_of(const result<query_answer>& answer) {
  if (!answer) CAF_FAIL(to_string(answer.error()));
  auto rows = decode_image_rows(answer->rows);
  if (!rows) CAF_FAIL(to_string(rows.error()));
  return std::move(*rows);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(query_tests, fixture)

// -- the cluster ------------------------------------------------------------------

CAF_TEST(paging over nodes gives every image once and in order) {
  for (const auto order : {sort_field::timestamp, sort_field::geocode}) {
    std::vector<std::shared_ptr<shelf>> shelves{std::make_shared<shelf>(),
                                                std::make_shared<shelf>(), own_shelf};
    own_shelf->rows.clear();
    // Nodes that give fewer rows than they are asked for must not make others' rows go missing.
    shelves[0]->page = 3;
    shelves[1]->page = 5;
    std::vector<image_row> all;
    for (size_t i = 0; i < 60; ++i) {
      auto row = make_row(i, node_name(random() % 3));
      shelves[random() % 3]->rows.push_back(row);
      all.push_back(row);
    }
    std::sort(all.begin(), all.end(),
              [&](const auto& a, const auto& b) { return before(order, a.facts(), b.facts()); });
    set_view({holding_node(2, shelves[0]), holding_node(3, shelves[1])});
    auto request = request_of("europe");
    request.order = order;
    request.limit = 7;
    std::vector<image_row> got;
    for (int page = 0; page < 200; ++page) {
      const auto answer = ask<query_answer>(aut, atom::find_v, request);
      auto rows = rows_of(answer);
      CAF_CHECK(rows.size() <= 7);
      got.insert(got.end(), rows.begin(), rows.end());
      CAF_CHECK(answer->problems.empty());
      if (!answer->more) break;
      CAF_REQUIRE(!rows.empty());
      request.has_after = true;
      request.after = rows.back().facts();
    }
    CAF_REQUIRE_EQUAL(got.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i)
      CAF_CHECK_EQUAL(to_string(got[i].key), to_string(all[i].key));
  }
}

CAF_TEST(rows behind the end of an incomplete page are held back) {
  auto few = std::make_shared<shelf>();
  auto many = std::make_shared<shelf>();
  for (size_t i = 0; i < 20; ++i) (i % 2 == 0 ? few : many)->rows.push_back(make_row(i, "n"));
  few->page = 2;
  set_view({holding_node(2, few), holding_node(3, many)});
  const auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  const auto rows = rows_of(answer);
  CAF_CHECK(answer->more);
  // The two of the short page, and only those of the others that come before its last.
  std::vector<image_row> all = few->rows;
  all.insert(all.end(), many->rows.begin(), many->rows.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return before(sort_field::timestamp, a.facts(), b.facts());
  });
  CAF_REQUIRE(rows.size() < all.size());
  size_t of_few = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    CAF_CHECK_EQUAL(to_string(rows[i].key), to_string(all[i].key));
    for (const auto& row : few->rows) of_few += row.key == rows[i].key;
  }
  CAF_CHECK_EQUAL(of_few, 2u);
}

CAF_TEST(an image that two nodes hold is told once with both) {
  auto a = std::make_shared<shelf>();
  auto b = std::make_shared<shelf>();
  a->rows = {make_row(1, node_name(2)), make_row(2, node_name(2))};
  b->rows = {make_row(2, node_name(3)), make_row(3, node_name(3))};
  set_view({holding_node(2, a), holding_node(3, b)});
  const auto rows = rows_of(ask<query_answer>(aut, atom::find_v, request_of("europe")));
  CAF_REQUIRE_EQUAL(rows.size(), 3u);
  for (const auto& row : rows)
    CAF_CHECK_EQUAL(row.nodes.size(), row.key == make_row(2, "").key ? 2u : 1u);
}

CAF_TEST(a node that is away is a problem of the answer and not its end) {
  auto here = std::make_shared<shelf>();
  here->rows = {make_row(1, node_name(2))};
  auto away = other_node(3);
  away.reachable = false;
  away.member.state = member_state::suspect;
  set_view({holding_node(2, here), away}, {"10.0.0.7:1"});
  const auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_CHECK_EQUAL(rows_of(answer).size(), 1u);
  std::string problems;
  for (const auto& problem : answer->problems) problems += problem + "\n";
  CAF_MESSAGE(problems);
  CAF_CHECK_EQUAL(answer->problems.size(), 2u);
  CAF_CHECK(problems.find(node_name(3)) != std::string::npos);
  CAF_CHECK(problems.find("suspect") != std::string::npos);
  CAF_CHECK(problems.find("10.0.0.7:1") != std::string::npos);
}

CAF_TEST(a node that does not answer in time is a problem of the answer) {
  auto silent = other_node(2);
  silent.handles.query = fake<query_actor>([](caf::event_based_actor* me) -> caf::behavior {
    return {[me](atom::here, atom::find, const find_request&) -> caf::result<query_answer> {
      return me->make_response_promise<query_answer>();
    }};
  });
  set_view({silent});
  own_shelf->rows = {make_row(1, node_name(1))};
  const auto answer = begin<query_answer>(aut, atom::find_v, request_of("europe"));
  pass(defaults::local_query_deadline - std::chrono::milliseconds{200});
  CAF_CHECK(!answer->has_value());
  pass(400);
  CAF_REQUIRE(answer->has_value());
  CAF_CHECK_EQUAL(rows_of(**answer).size(), 1u);
  CAF_REQUIRE_EQUAL((*answer)->value().problems.size(), 1u);
  CAF_CHECK((*answer)->value().problems[0].find(node_name(2)) != std::string::npos);
}

CAF_TEST(rows that cannot be decoded are an error) {
  auto broken = other_node(2);
  broken.handles.query = fake<query_actor>([](caf::event_based_actor*) -> caf::behavior {
    return {[](atom::here, atom::find, const find_request&) {
      query_answer answer;
      answer.rows = "no rows at all";
      answer.is_settled = true;
      return answer;
    }};
  });
  set_view({broken});
  const auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::malformed));
}

CAF_TEST(what one node shows and another has deleted is not shown) {
  auto other = std::make_shared<shelf>();
  set_view({holding_node(2, other)});
  own_shelf->rows = {make_row(1, node_name(own_id)), make_row(2, node_name(own_id))};
  const auto deleted = to_string(own_shelf->rows[0].key);
  other->words[deleted] = row_word::hidden;
  // As long as all copies are where they belong, nobody looks twice.
  auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_CHECK_EQUAL(rows_of(answer).size(), 2u);
  CAF_CHECK_EQUAL(other->asked_again, 0u);
  other->is_settled = false;
  answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  const auto left = rows_of(answer);
  CAF_REQUIRE_EQUAL(left.size(), 1u);
  CAF_CHECK(to_string(left.front().key) != deleted);
  CAF_CHECK(answer->problems.empty());
  CAF_CHECK_EQUAL(other->asked_again, 1u);
  // A page of nothing but deleted images is followed by the next.
  auto request = request_of("europe");
  request.limit = 1;
  for (const auto& row : own_shelf->rows) other->words[to_string(row.key)] = row_word::hidden;
  own_shelf->rows.push_back(make_row(3, node_name(own_id)));
  const auto kept = to_string(own_shelf->rows.back().key);
  answer = ask<query_answer>(aut, atom::find_v, request);
  const auto rest = rows_of(answer);
  CAF_REQUIRE_EQUAL(rest.size(), 1u);
  CAF_CHECK_EQUAL(to_string(rest.front().key), kept);
}

CAF_TEST(a search during which images move is made again and says so at last) {
  auto other = std::make_shared<shelf>();
  set_view({holding_node(2, other)});
  own_shelf->rows = {make_row(1, node_name(own_id))};
  other->dropped_ms_ago = 0;
  auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(answer);
  CAF_CHECK_EQUAL(answer->problems.size(), 1u);
  CAF_CHECK_EQUAL(other->asked, size_t{defaults::search_attempts});
  other->dropped_ms_ago = 1'000'000;
  answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(answer);
  CAF_CHECK(answer->problems.empty());
  // The same when they move, or a row is replaced, between the two questions.
  other->is_settled = false;
  other->dropped_later_ms_ago = 0;
  answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(answer);
  CAF_CHECK_EQUAL(answer->problems.size(), 1u);
  other->dropped_later_ms_ago = INT64_MAX;
  other->words[to_string(own_shelf->rows[0].key)] = row_word::replaced;
  answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(answer);
  CAF_CHECK_EQUAL(answer->problems.size(), 1u);
}

CAF_TEST(a node that knows nobody yet waits for its first view) {
  own_shelf->rows = {make_row(1, node_name(own_id))};
  const auto answer = begin<query_answer>(aut, atom::find_v, request_of("europe"));
  settle();
  CAF_CHECK(!*answer);
  set_view({});
  tell(aut, atom::tick_v);
  CAF_REQUIRE(answer->has_value());
  CAF_CHECK_EQUAL(rows_of(**answer).size(), 1u);
}

CAF_TEST(extents of all nodes are added up) {
  auto a = std::make_shared<shelf>();
  a->rows = {make_row(1, "n"), make_row(2, "n")};
  own_shelf->rows = {make_row(3, "n")};
  set_view({holding_node(2, a)});
  const auto answer = ask<query_answer>(aut, atom::extents_v, request_of("europe"));
  CAF_REQUIRE(answer);
  const auto rows = decode_extent_rows(answer->rows);
  CAF_REQUIRE(rows);
  CAF_REQUIRE_EQUAL(rows->size(), 1u);
  CAF_CHECK_EQUAL(rows->front().count, 3u);
}

CAF_TEST(an album that nobody knows is not found and no node is asked) {
  set_view({});
  const auto answer = ask<query_answer>(aut, atom::find_v, request_of("asia"));
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::not_found));
  CAF_CHECK_EQUAL(own_shelf->asked, 0u);
}

CAF_TEST(a closed album is refused with what to do) {
  known["europe"].closed = true;
  set_view({});
  const auto answer = ask<query_answer>(aut, atom::find_v, request_of("europe"));
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::unavailable));
  CAF_CHECK(to_string(answer.error()).find("stip album open europe") != std::string::npos);
  CAF_CHECK_EQUAL(own_shelf->asked, 0u);
}

CAF_TEST(a filter that cannot be is refused before any node is asked) {
  set_view({});
  auto request = request_of("europe");
  request.match.geocode = "aaa";
  const auto answer = ask<query_answer>(aut, atom::find_v, request);
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::invalid_argument));
  CAF_CHECK_EQUAL(own_shelf->asked, 0u);
}

CAF_TEST(chips are read from the node that owns their cell) {
  auto nothing = std::make_shared<shelf>();
  const auto other = holding_node(2, nothing);
  set_view({other});
  const auto view = view_of({}, {other});
  for (size_t i = 0; i < 6; ++i) {
    const auto key = sample_key(i);
    const auto owner = view->ring.replicas(ring_token(key.geocode), 1).at(0);
    const auto answer =
        ask<image_manifest>(aut, atom::manifest_v, std::string{"europe"}, to_string(key));
    CAF_REQUIRE(answer);
    CAF_CHECK_EQUAL(answer->node, node_name(owner));
  }
  const auto bad =
      ask<image_manifest>(aut, atom::manifest_v, std::string{"europe"}, std::string{"no key"});
  CAF_CHECK(!bad);
}

CAF_TEST(an image that is not found is unavailable while a node that may hold it is away) {
  auto away = other_node(2);
  away.reachable = false;
  own_shelf->lacks_chips = true;
  set_view({away});
  const auto view = view_of({}, {away});
  size_t unavailable = 0;
  for (size_t i = 0; i < 12; ++i) {
    const auto key = sample_key(i);
    const auto answer =
        ask<image_manifest>(aut, atom::manifest_v, std::string{"europe"}, to_string(key));
    CAF_REQUIRE(!answer);
    const bool owned_here = view->ring.replicas(ring_token(key.geocode), 1).at(0) == own_id;
    const auto expected = owned_here ? ec::not_found : ec::unavailable;
    CAF_CHECK_EQUAL(int(answer.error().code), int(expected));
    unavailable += expected == ec::unavailable;
  }
  CAF_CHECK(unavailable > 0);
}

CAF_TEST(an image is found wherever it lies) {
  auto lacking = std::make_shared<shelf>();
  lacking->lacks_chips = true;
  set_view({holding_node(2, lacking)});
  for (size_t i = 0; i < 12; ++i) {
    const auto answer =
        ask<image_manifest>(aut, atom::manifest_v, std::string{"europe"}, to_string(sample_key(i)));
    CAF_REQUIRE(answer);
    CAF_CHECK_EQUAL(answer->node, node_name(own_id));
  }
}

// -- this node ------------------------------------------------------------------

CAF_TEST(limit and after page through an album of this node) {
  const auto view = open_album(known["europe"], 20);
  tell(aut, atom::update_v, to_string(known["europe"].uid), view);
  const auto all =
      rows_of(ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe")));
  CAF_REQUIRE(all.size() > 7);
  auto request = request_of("europe");
  request.limit = 3;
  std::vector<image_row> got;
  for (size_t page = 0; page < 20; ++page) {
    const auto answer = ask<query_answer>(aut, atom::here_v, atom::find_v, request);
    const auto rows = rows_of(answer);
    got.insert(got.end(), rows.begin(), rows.end());
    if (!answer->more) break;
    CAF_REQUIRE_EQUAL(rows.size(), 3u);
    request.has_after = true;
    request.after = rows.back().facts();
  }
  CAF_CHECK(got == all);
  for (const auto& row : all) CAF_CHECK(row.nodes == std::vector<std::string>{node_name(own_id)});
}

CAF_TEST(every block of a stored chip can be read) {
  const auto view = open_album(known["europe"], 3);
  tell(aut, atom::update_v, to_string(known["europe"].uid), view);
  const std::string name = "europe";
  for (const auto& row :
       rows_of(ask<query_answer>(aut, atom::here_v, atom::find_v, request_of(name)))) {
    const auto key = to_string(row.key);
    const auto manifest = ask<image_manifest>(aut, atom::here_v, atom::manifest_v, name, key);
    CAF_REQUIRE(manifest);
    CAF_REQUIRE_EQUAL(manifest->chips.size(), 1u);
    const auto chip = decode_chip_description(manifest->chips[0]);
    CAF_REQUIRE(chip);
    CAF_CHECK_EQUAL(manifest->scene, sample_scene(0).json);
    const auto page = ask<block_page>(aut, atom::here_v, atom::read_v,
                                      read_request{name, key, 0, 0, 0, chip->content});
    CAF_REQUIRE(page);
    CAF_CHECK_EQUAL(page->next_block, chip->blocks());
    CAF_CHECK_EQUAL(page->records.size(), manifest->bytes);
    const auto end = ask<block_page>(aut, atom::here_v, atom::read_v,
                                     read_request{name, key, 0, UINT64_MAX, 0, chip->content});
    CAF_CHECK(!end || end->records.empty());
    const auto none = ask<block_page>(aut, atom::here_v, atom::read_v,
                                      read_request{name, key, 9, 0, 0, chip->content});
    CAF_REQUIRE(!none);
    CAF_CHECK_EQUAL(int(none.error().code), int(ec::not_found));
    const auto other =
        ask<block_page>(aut, atom::here_v, atom::read_v, read_request{name, key, 0, 0, 0, {1, 2}});
    CAF_REQUIRE(!other);
    CAF_CHECK_EQUAL(int(other.error().code), int(ec::conflict));
  }
}

CAF_TEST(a closed album is refused on this node but says what it holds) {
  const auto view = open_album(known["europe"], 2);
  tell(aut, atom::update_v, to_string(known["europe"].uid), view);
  view->closed = true;
  const auto answer = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe"));
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::unavailable));
  const std::vector<std::string> keys{to_string(sample_key(0)), to_string(sample_key(11))};
  const auto held = ask<std::vector<bool>>(aut, atom::here_v, atom::holds_v, std::string{"europe"},
                                           keys, to_string(sample_scene(0).id));
  CAF_REQUIRE(held);
  CAF_CHECK(*held == (std::vector<bool>{true, false}));
}

CAF_TEST(an album that is just being opened is waited for) {
  when_asked_to_open = [this](const album& a) {
    const auto view = open_album_view(context, a);
    CAF_REQUIRE(view);
    caf::anon_send(aut, atom::update_v, to_string(a.uid), *view);
  };
  const auto answer = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe"));
  CAF_CHECK_EQUAL(rows_of(answer).size(), 0u);
  CAF_CHECK_EQUAL(opened, 1u);
  CAF_CHECK(ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe")));
  CAF_CHECK_EQUAL(opened, 1u);
}

CAF_TEST(an album that cannot be opened is an error with the reason) {
  const auto answer = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe"));
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::io_error));
}

// Views were kept by name: after a conflict of names both albums were out of reach.
CAF_TEST(an album is found by the name that it has now) {
  const auto older = make_album("europe", 500);
  const auto view = open_album(known["europe"], 4);
  const auto other = open_album(older, 1);
  tell(aut, atom::update_v, to_string(known["europe"].uid), view);
  tell(aut, atom::update_v, to_string(older.uid), other);
  known["europe~1"] = known["europe"];
  known["europe"] = older;
  const auto renamed = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe~1"));
  CAF_CHECK_EQUAL(rows_of(renamed).size(), 4u);
  const auto first = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe"));
  CAF_CHECK_EQUAL(rows_of(first).size(), 1u);
  // The older one is deleted, the other has its name again.
  tell(aut, atom::update_v, to_string(older.uid), album_view_ptr{});
  known["europe"] = known["europe~1"];
  const auto again = ask<query_answer>(aut, atom::here_v, atom::find_v, request_of("europe"));
  CAF_CHECK_EQUAL(rows_of(again).size(), 4u);
}

CAF_TEST_FIXTURE_SCOPE_END()
