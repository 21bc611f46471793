#define CAF_SUITE actors.uploads
#include "actors/uploads.hpp"

#include <filesystem>

#include "actors/load_run.hpp"
#include "libstip/core/hash.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() {
    context->settings.upload_space = 4 * defaults::upload_chunk_bytes;
    context->settings.upload_patience = std::chrono::seconds{5};
    tasks = fake<tasks_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::update, const part_news_ptr& news) {
        if (const auto* one = std::get_if<input_outcome>(&news->what)) outcomes.push_back(*one);
        if (const auto* end = std::get_if<work_end>(&news->what)) ends.push_back(*end);
      }};
    });
    aut = keep(sys.spawn(uploads_behavior, context_ptr{context}, tasks));
  }

  /// A task of so many inputs.
  void begin(uint64_t inputs) {
    load_run::plan plan;
    plan.request.format = "generic";
    plan.part.task.id = "t";
    plan.part.task.node = plan.part.owner = own_id;
    plan.part.task.began = began;
    run = plan.part.run();
    auto load =
        std::make_shared<load_run>(sys, context_ptr{context}, std::make_shared<shared_view>(),
                                   transfer_actor{}, tasks, std::move(plan));
    load->expect_inputs(inputs);
    tell(aut, atom::start_v,
         std::make_shared<const upload_work>(upload_work{run, inputs, std::move(load)}));
  }
  upload_input input_of(uint64_t number, const std::string& file, uint64_t bytes) {
    upload_input out;
    out.task = "t";
    out.began = began;
    out.input = number;
    out.name = "/theirs/" + std::to_string(number) + ".tif";
    out.entry = file;
    out.files = {file};
    out.sizes = {bytes};
    return out;
  }
  upload_chunk chunk_of(uint64_t number, const std::string& bytes, uint64_t offset = 0) {
    upload_chunk out;
    out.task = "t";
    out.began = began;
    out.input = number;
    out.offset = offset;
    out.checksum = hash64(bytes);
    out.bytes = bytes;
    return out;
  }
  result<bool> announce(const upload_input& input) { return ask<bool>(aut, atom::upload_v, input); }
  result<bool> send(const upload_chunk& chunk) { return ask<bool>(aut, atom::upload_v, chunk); }
  size_t files_there() {
    std::error_code failed;
    size_t out = 0;
    for (std::filesystem::recursive_directory_iterator
             at(spool_of(context->settings.directory), failed),
         end;
         !failed && at != end; ++at)
      out += at->is_regular_file();
    return out;
  }
  static int code(const result<bool>& answer) { return answer ? 0 : int(answer.error().code); }

  tasks_actor tasks;
  uploads_actor aut;
  part_run run;
  version began{100, 0, own_id};
  std::vector<input_outcome> outcomes;
  std::vector<work_end> ends;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(uploads_tests, fixture)

CAF_TEST(an input is opened when it is whole and its files go with its outcome) {
  begin(1);
  auto word = announce(input_of(0, "0.tif", defaults::upload_chunk_bytes + 3));
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(*word);
  CAF_CHECK(send(chunk_of(0, "abc", defaults::upload_chunk_bytes)).has_value());
  CAF_CHECK_EQUAL(files_there(), 1u);
  CAF_CHECK(outcomes.empty());
  CAF_CHECK(send(chunk_of(0, std::string(defaults::upload_chunk_bytes, 'x'))).has_value());
  // It is no image; the user hears of it under its own name.
  CAF_REQUIRE_EQUAL(outcomes.size(), 1u);
  CAF_CHECK(outcomes[0].what == input_outcome::kind::skipped);
  CAF_CHECK_EQUAL(outcomes[0].input, "/theirs/0.tif");
  CAF_MESSAGE(outcomes[0].reason);
  CAF_CHECK(outcomes[0].reason.find("/theirs/0.tif") != std::string::npos);
  CAF_CHECK(outcomes[0].reason.find("uploads") == std::string::npos);
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK_EQUAL(ends[0].reason, "");
}

CAF_TEST(a hostile name is skipped and nothing is written) {
  begin(2);
  CAF_CHECK_EQUAL(code(announce(input_of(0, "../../evil.tif", 3))), int(ec::invalid_argument));
  auto two = input_of(1, "a.tif", 3);
  two.name = "/theirs/\x1b[2J";
  CAF_CHECK_EQUAL(code(announce(two)), int(ec::invalid_argument));
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_REQUIRE_EQUAL(outcomes.size(), 2u);
  CAF_CHECK_EQUAL(outcomes[1].input, "input 1");
  CAF_CHECK(outcomes[1].reason.find('\x1b') == std::string::npos);
  CAF_CHECK_EQUAL(ends.size(), 1u);
}

CAF_TEST(a damaged piece is refused and may be sent again) {
  begin(1);
  CAF_REQUIRE(announce(input_of(0, "0.tif", 3)).has_value());
  auto chunk = chunk_of(0, "abc");
  ++chunk.checksum;
  CAF_CHECK_EQUAL(code(send(chunk)), int(ec::corrupt));
  CAF_CHECK(outcomes.empty());
  CAF_CHECK(send(chunk_of(0, "abc")).has_value());
  CAF_CHECK_EQUAL(outcomes.size(), 1u);
}

CAF_TEST(what the client cannot read is skipped with its reason) {
  begin(1);
  upload_input gone = input_of(0, "0.tif", 0);
  gone.problem = "open /theirs/0.tif: there is no such file";
  CAF_CHECK(announce(gone).has_value());
  CAF_REQUIRE_EQUAL(outcomes.size(), 1u);
  CAF_CHECK_EQUAL(outcomes[0].reason, gone.problem);
  CAF_CHECK_EQUAL(ends.size(), 1u);
}

CAF_TEST(an input that is whole is stored whatever is said of it then) {
  const auto jobs = std::make_shared<held_jobs>();
  context->loaders = held_executor(jobs);
  constexpr uint64_t inputs = 8;
  begin(inputs);
  for (uint64_t i = 0; i < inputs; ++i) {
    CAF_REQUIRE(announce(input_of(i, "x.tif", 3)).has_value());
    CAF_REQUIRE(send(chunk_of(i, "abc")).has_value());
  }
  // Some are at work, the others wait for them.
  CAF_CHECK(jobs->size() > 0 && jobs->size() < inputs);
  for (uint64_t i = 0; i < inputs; ++i) {
    auto wrong = input_of(i, "x.tif", 3);
    wrong.problem = "it is gone";
    CAF_CHECK(announce(wrong).has_value());
    CAF_CHECK(send(chunk_of(i, "abc")).has_value());
  }
  CAF_CHECK_EQUAL(files_there(), inputs);
  CAF_CHECK(outcomes.empty());
  while (jobs->size() > 0) {
    jobs->run_one();
    settle();
  }
  CAF_REQUIRE_EQUAL(outcomes.size(), inputs);
  CAF_CHECK(outcomes[1].reason.find("no raster") != std::string::npos);
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_CHECK_EQUAL(ends.size(), 1u);
}

CAF_TEST(messages of an earlier task of that id are refused) {
  begin(1);
  auto old = input_of(0, "0.tif", 3);
  old.began.wall_ms -= 1;
  CAF_CHECK_EQUAL(code(announce(old)), int(ec::not_found));
  auto sizes = input_of(0, "0.tif", 3);
  sizes.sizes.push_back(1);
  CAF_CHECK_EQUAL(code(announce(sizes)), int(ec::invalid_argument));
  CAF_CHECK_EQUAL(code(send(chunk_of(0, "abc"))), int(ec::not_found));
  CAF_CHECK_EQUAL(code(send(chunk_of(7, "abc"))), int(ec::invalid_argument));
}

CAF_TEST(a full spool makes clients wait and an input that never fits is skipped) {
  begin(3);
  const auto piece = defaults::upload_chunk_bytes;
  CAF_CHECK_EQUAL(code(announce(input_of(0, "0.tif", 5 * piece))), int(ec::limit_exceeded));
  CAF_REQUIRE_EQUAL(outcomes.size(), 1u);
  CAF_CHECK(outcomes[0].reason.find("upload-space") != std::string::npos);
  CAF_REQUIRE(announce(input_of(1, "1.tif", 3 * piece)).has_value());
  auto word = announce(input_of(2, "2.tif", 2 * piece));
  CAF_REQUIRE(word.has_value());
  CAF_CHECK(!*word);
}

CAF_TEST(a client that is silent is given up and what it sent in part goes) {
  begin(3);
  CAF_REQUIRE(announce(input_of(0, "0.tif", defaults::upload_chunk_bytes + 1)).has_value());
  CAF_REQUIRE(send(chunk_of(0, std::string(defaults::upload_chunk_bytes, 'x'))).has_value());
  pass(4'000);
  CAF_CHECK_EQUAL(files_there(), 1u);
  CAF_CHECK(ends.empty());
  pass(3'000);
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].reason.find("3 inputs") != std::string::npos);
  CAF_CHECK_EQUAL(code(send(chunk_of(0, "x", defaults::upload_chunk_bytes))), int(ec::not_found));
}

CAF_TEST(a task that is stopped takes no more files and leaves none) {
  begin(1);
  CAF_REQUIRE(announce(input_of(0, "0.tif", defaults::upload_chunk_bytes + 1)).has_value());
  CAF_REQUIRE(send(chunk_of(0, std::string(defaults::upload_chunk_bytes, 'x'))).has_value());
  tell(aut, atom::stop_v, std::string{"another run"});
  CAF_CHECK_EQUAL(files_there(), 1u);
  tell(aut, atom::stop_v, to_string(run));
  CAF_CHECK_EQUAL(files_there(), 0u);
  CAF_CHECK_EQUAL(code(announce(input_of(0, "0.tif", 3))), int(ec::not_found));
  CAF_CHECK(ends.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
