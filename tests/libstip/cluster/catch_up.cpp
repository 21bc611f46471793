#define CAF_SUITE cluster.catch_up
#include "libstip/cluster/catch_up.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using outcome = catch_up::outcome;

catch_up::other up(uint64_t id, uint64_t incarnation = 1) {
  return {id, incarnation, false, true};
}
catch_up::other down(uint64_t id) {
  return {id, 1, true, false};
}
/// Up, and not to be reached from here.
catch_up::other cut(uint64_t id) {
  return {id, 1, false, false};
}

using ids = std::vector<uint64_t>;

}  // namespace

CAF_TEST(a node that is alone has what there is) {
  catch_up c{true};
  CAF_CHECK(!c.is_done());
  c.view_changed({}, SIZE_MAX);
  CAF_CHECK(c.is_done());
  CAF_CHECK(!c.is_fresh());
}

CAF_TEST(everyone that lives is asked once and again only when that failed) {
  catch_up c;
  c.view_changed({up(2), up(3), cut(4)}, 2);
  CAF_CHECK(c.ask(0) == (ids{2, 3}));
  CAF_CHECK(c.ask(10).empty());
  c.answered(20, 2, 1, outcome::brought);
  c.answered(20, 3, 1, outcome::failed);
  CAF_CHECK(c.ask(20).empty());
  CAF_CHECK(c.due_ms() > 20);
  CAF_CHECK(c.ask(c.due_ms()) == (ids{3}));
  c.answered(300, 3, 1, outcome::brought);
  // Nobody knows yet whether the fourth is dead.
  CAF_CHECK(!c.is_done());
  c.view_changed({up(2), up(3), down(4)}, 2);
  CAF_CHECK(c.is_done());
}

CAF_TEST(whoever is started again has to be heard again) {
  catch_up c;
  c.view_changed({up(2), up(3)}, 2);
  c.ask(0);
  c.answered(1, 2, 1, outcome::brought);
  c.view_changed({up(2, 2), up(3)}, 2);
  c.answered(2, 3, 1, outcome::brought);
  CAF_CHECK(!c.is_done());
  // A late answer of its earlier life says nothing.
  c.answered(3, 2, 1, outcome::brought);
  CAF_CHECK(!c.is_done());
  CAF_CHECK(c.ask(3) == (ids{2}));
  c.answered(4, 2, 2, outcome::brought);
  CAF_CHECK(c.is_done());
}

CAF_TEST(as many as confirm a chip may not be unheard of) {
  for (const size_t to_confirm : {1u, 2u, 3u}) {
    catch_up c;
    c.view_changed({up(2), down(3), down(4)}, to_confirm);
    c.ask(0);
    c.answered(1, 2, 1, outcome::brought);
    CAF_CHECK_EQUAL(c.is_done(), to_confirm > 2);
    c.view_changed({up(2), up(3), down(4)}, to_confirm);
    CAF_CHECK_EQUAL(c.ask(2).size(), to_confirm > 2 ? 0u : 1u);
    c.answered(3, 3, 1, outcome::brought);
    CAF_CHECK_EQUAL(c.is_done(), to_confirm > 1);
    // Where nothing is confirmed by others all is well.
    c.view_changed({up(2), up(3), down(4)}, SIZE_MAX);
    CAF_CHECK(c.is_done());
  }
}

CAF_TEST(a node with a new disk waits until nothing is left over anywhere) {
  catch_up c{true};
  c.view_changed({up(2), up(3), down(4)}, 2);
  c.ask(0);
  c.answered(1, 2, 1, outcome::brought);
  c.answered(1, 3, 1, outcome::brought);
  CAF_CHECK(!c.is_done());
  // As long as one is away no round leaves nothing over: nobody is asked in vain.
  CAF_CHECK(c.ask(100'000).empty());
  CAF_CHECK_EQUAL(c.due_ms(), INT64_MAX);
  c.view_changed({up(2), up(3), up(4)}, 2);
  CAF_CHECK(c.ask(100'000) == (ids{2, 3, 4}));
  for (const uint64_t id : {2u, 3u, 4u}) {
    CAF_CHECK(!c.is_done());
    c.answered(100'001, id, 1, outcome::whole);
  }
  CAF_CHECK(c.is_done());
  CAF_CHECK(!c.is_fresh());
}

CAF_TEST(a node that saw a minority alone begins anew when it sees the others) {
  catch_up c;
  c.view_changed({up(2), up(3), up(4), up(5)}, 3);
  c.ask(0);
  for (const uint64_t id : {2u, 3u, 4u, 5u}) c.answered(1, id, 1, outcome::brought);
  CAF_REQUIRE(c.is_done());
  c.view_changed({up(2), cut(3), cut(4), cut(5)}, 3);
  CAF_CHECK(c.is_done());
  c.view_changed({up(2), up(3), up(4), up(5)}, 3);
  CAF_CHECK(!c.is_done());
  CAF_CHECK_EQUAL(c.ask(1000).size(), 4u);
}

CAF_TEST(an answer that cannot come any more is not waited for) {
  catch_up c;
  c.view_changed({up(2)}, 2);
  CAF_CHECK(c.ask(0) == (ids{2}));
  c.view_changed({cut(2)}, 2);
  c.view_changed({up(2)}, 2);
  CAF_CHECK(c.ask(1) == (ids{2}));
}
