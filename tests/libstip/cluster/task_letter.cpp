#define CAF_SUITE cluster.task_letter
#include "libstip/cluster/task_letter.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

using namespace stip;

namespace {

task_part sample_part() {
  task_part part;
  part.task.id = "t";
  part.task.kind = "store";
  part.task.album = "europe";
  part.task.completed = 2;
  part.task.skipped = 1;
  part.task.total = 10;
  part.task.errors = {{"/in/1.tif", 5, "it is torn"}};
  part.task.began = {1'000, 2, 3};
  part.task.node = 5;
  part.epoch = 3;
  part.owner = 7;
  part.revision = 9;
  part.keepers = {1, 2};
  part.tried = {5};
  part.work = "what to store";
  part.listed = true;
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back("/in/" + std::to_string(i) + ".tif");
  part.inputs_hash = hash_of(names);
  part.settled = {true, true, false, false, false, false, false, false, false, true};
  part.inputs = std::make_shared<const std::vector<std::string>>(std::move(names));
  return part;
}

/// Every form that a letter may have.
std::vector<std::string> letters() {
  const auto part = sample_part();
  std::vector<std::string> out;
  out.push_back(encode(task_letter{task_letter::copy{part}}));
  out.push_back(encode(task_letter{task_letter::copy{part}}, carry::no_inputs));
  out.push_back(encode(task_letter{task_letter::acknowledgement{part.key(), part.stamp(), true}}));
  out.push_back(encode(task_letter{task_letter::question{part.key(), part.stamp()}}));
  out.push_back(encode(task_letter{task_letter::lacks{part.key()}}));
  out.push_back(encode(task_letter{task_letter::verdicts{
      task_letter::verdicts::step::mine, 42, {{"t", {1, 2, 3}, task_verdict::kind::cleared, 9}}}}));
  return out;
}

}  // namespace

CAF_TEST(a part is read as it was written) {
  const auto part = sample_part();
  const auto back = decode_task_part(encode(part));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(back->task == part.task);
  CAF_CHECK(back->stamp() == part.stamp());
  CAF_CHECK(back->keepers == part.keepers && back->tried == part.tried);
  CAF_CHECK(back->work == part.work);
  CAF_CHECK(back->settled == part.settled);
  CAF_REQUIRE(back->inputs != nullptr);
  CAF_CHECK(*back->inputs == *part.inputs);
  const auto shorter = decode_task_part(encode(part, carry::no_inputs));
  CAF_REQUIRE(shorter.has_value());
  CAF_CHECK(shorter->inputs == nullptr);
  CAF_CHECK(!shorter->whole());
  CAF_CHECK(shorter->settled == part.settled);
}

CAF_TEST(a copy carries so many reasons and counts the others) {
  auto part = sample_part();
  part.task.errors.assign(100, {"/in/1.tif", 5, std::string(1'000, 'r')});
  const auto back = decode_task_part(encode(part, carry::everything, 20'000));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(back->task.errors.size() < 20);
  CAF_CHECK_EQUAL(back->task.errors.size() + back->task.dropped_errors, 100u);
}

CAF_TEST(letters that are cut off or changed are refused or harmless) {
  std::mt19937_64 rng(1);
  for (const auto& bytes : letters()) {
    CAF_REQUIRE(decode_task_letter(bytes).has_value());
    for (size_t n = 0; n < bytes.size(); ++n)
      CAF_REQUIRE(!decode_task_letter(bytes.substr(0, n)).has_value());
    CAF_CHECK(!decode_task_letter(bytes + "x").has_value());
    for (int i = 0; i < 5'000; ++i) {
      auto broken = bytes;
      for (auto flips = 1 + rng() % 3; flips > 0; --flips)
        broken[rng() % broken.size()] = static_cast<char>(rng());
      if (const auto read = decode_task_letter(broken)) CAF_REQUIRE(!encode(*read).empty());
    }
  }
}

CAF_TEST(inputs that are not those of the part are refused) {
  auto part = sample_part();
  part.inputs_hash += 1;
  CAF_CHECK(!decode_task_part(encode(part)).has_value());
  part = sample_part();
  part.settled.pop_back();
  CAF_CHECK(!decode_task_part(encode(part)).has_value());
  part = sample_part();
  part.task.id = "../t";
  CAF_CHECK(!decode_task_part(encode(part)).has_value());
}

CAF_TEST(parts are added up by their newest records) {
  auto a = sample_part();
  auto old = a;
  old.revision = 1;
  old.task.completed = 1;
  auto other = sample_part();
  other.task.node = other.owner = 6;
  other.task.state = task_state::done;
  other.task.ended_ms = 50;
  other.task.completed = 10;
  auto earlier = other;
  earlier.task.node = 8;
  earlier.task.began = {1, 0, 0};
  for (const auto& all :
       {std::vector{a, old, other, earlier}, std::vector{earlier, other, old, a}}) {
    const auto merged = merge_parts(all);
    CAF_REQUIRE_EQUAL(merged.size(), 1u);
    CAF_CHECK_EQUAL(merged[0].completed, 12u);
    CAF_CHECK(merged[0].running());
    CAF_CHECK_EQUAL(merged[0].ended_ms, 0);
    CAF_CHECK_EQUAL(merged[0].shares.size(), 2u);
  }
  // A part that found nothing does not make the task fail; one that was stopped makes it stopped.
  a.task.state = task_state::failed;
  a.task.completed = 0;
  CAF_CHECK(merge_parts({a, other})[0].state == task_state::done);
  a.task.state = task_state::stopped;
  CAF_CHECK(merge_parts({a, other})[0].state == task_state::stopped);
  other.task.state = a.task.state = task_state::failed;
  other.task.completed = 0;
  CAF_CHECK(merge_parts({a, other})[0].state == task_state::failed);
  // Where no part had anything to do, nor needed to, the task is done.
  a.task.state = task_state::done;
  CAF_CHECK(merge_parts({a, other})[0].state == task_state::failed);
  other.task.state = task_state::done;
  CAF_CHECK(merge_parts({a, other})[0].state == task_state::done);
}
