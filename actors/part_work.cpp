#include "actors/part_work.hpp"

#include <algorithm>
#include <caf/all.hpp>

namespace stip {

part_work::part_work(caf::actor_system& system, context_ptr context,
                     std::shared_ptr<shared_view> view, transfer_actor transfer, tasks_actor tasks,
                     part_plan plan)
    : system_(system),
      context_(std::move(context)),
      view_(std::move(view)),
      plan_(std::move(plan)),
      cores_(plan_.threads),
      tasks_(std::move(tasks)),
      means_{system_, context_, view_, std::move(transfer), plan_.target, stopped_} {}

result<void> part_work::find_inputs() {
  if (plan_.part.listed) {
    inputs_ = plan_.part.inputs;
  } else {
    STIP_ASSIGN(auto found, look_for_inputs());
    inputs_ = std::make_shared<const std::vector<std::string>>(std::move(found));
    report(inputs_);
  }
  const auto& settled = plan_.part.settled;
  for (size_t i = 0; i < inputs_->size(); ++i)
    if (i >= settled.size() || !settled[i]) left_.push_back(i);
  expect_inputs(left_.size());
  return {};
}

void part_work::expect_inputs(uint64_t inputs) {
  workers_ = std::clamp<size_t>(inputs, 1, workers_of(plan_.threads));
}

void part_work::work() {
  // Inputs that follow each other use each other's buffers.
  const auto buffers = context_->load_buffers->use();
  while (!stopped()) {
    const auto i = next_input_++;
    if (i >= left_.size()) return;
    take_input(left_[i]);
  }
}

result<album_images> part_work::images_of_album() const {
  return album_images::make(system_, *view_, context_->self.id, plan_.target.name,
                            [this] { return stopped(); });
}

result<load_outcome> part_work::make_images(
    const std::string& input, int precision,
    const std::function<result<load_outcome>(const load_request&, const load_services&)>& make) {
  const auto what = "task=" + plan_.part.task.id + " input=" + input;
  return deliver(means_, what, [&](const cluster_view_ptr& view) -> result<load_outcome> {
    STIP_ASSIGN(auto busy, budget_share::acquire(cores_, 1, [this] { return stopped(); }));
    load_request request;
    request.target = plan_.target;
    request.precision = precision;
    request.written = plan_.part.task.began;
    chip_delivery delivery{means_, view};
    return delivery.explain(make(request, delivery.services([&] { busy.release(); })));
  });
}

void part_work::note(const std::string& input, std::string what) {
  task_record news;
  news.id = plan_.part.task.id;
  add_error(news, {input, context_->self.id, std::move(what)});
  caf::anon_send(tasks_, atom::update_v, std::move(news));
}

void part_work::report(decltype(part_news::what) news) {
  caf::anon_send(tasks_, atom::update_v,
                 std::make_shared<const part_news>(part_news{plan_.part.run(), std::move(news)}));
}

}  // namespace stip
