#include "libstip/format/reader_pool.hpp"

#include <algorithm>
#include <utility>

#include "libstip/core/hash.hpp"
#include "libstip/format/reader_lease.hpp"

namespace stip {

namespace {

using steady = std::chrono::steady_clock;

constexpr auto what_lease = "find a reader process";

/// Scenes of a file (days) that are this close share chunks; a process has so many decoded.
constexpr uint32_t near_scenes = 8;

/// Where nothing was read yet, nothing would be decoded again: just near enough.
uint32_t distance(const pooled_reader& reader, uint32_t scene) {
  if (!reader.scene) return near_scenes;
  return *reader.scene < scene ? scene - *reader.scene : *reader.scene - scene;
}

tl::unexpected<error> closed() {
  return fail(ec::stopped, what_lease, "the node stops");
}

}  // namespace

reader_pool::state::state(reader_settings settings) : settings_(std::move(settings)) {}

std::vector<pooled_reader>::iterator reader_pool::state::nearest(const isolated_input* input,
                                                                 uint32_t scene) {
  auto best = free_.end();
  for (auto r = free_.begin(); r != free_.end(); ++r)
    if (input != nullptr && r->open.lock().get() == input &&
        (best == free_.end() || distance(*r, scene) < distance(*best, scene)))
      best = r;
  return best;
}

std::vector<pooled_reader>::iterator reader_pool::state::choose(const isolated_input* input,
                                                                uint32_t scene) {
  const auto having = nearest(input, scene);
  if (having != free_.end() && distance(*having, scene) <= near_scenes) return having;
  const auto idle = std::find_if(free_.begin(), free_.end(),
                                 [](const pooled_reader& r) { return r.open.expired(); });
  if (idle != free_.end()) return idle;
  return count_ < settings_.processes ? free_.end() : having;
}

result<pooled_reader> reader_pool::state::lease(const std::shared_ptr<const isolated_input>& input,
                                                uint32_t scene) {
  std::unique_lock lock(mutex_);
  const auto until = steady::now() + settings_.patience;
  for (;;) {
    if (closed_) return closed();
    auto found = choose(input.get(), scene);
    if (found == free_.end() && count_ >= settings_.processes)
      found = std::min_element(free_.begin(), free_.end(),
                               [](const pooled_reader& a, const pooled_reader& b) {
                                 return a.free_since < b.free_since;
                               });
    if (found != free_.end()) {
      auto out = std::move(*found);
      free_.erase(found);
      return out;
    }
    if (count_ < settings_.processes) break;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout)
      return fail(ec::unavailable, what_lease,
                  "all " + std::to_string(settings_.processes) + " are busy for too long",
                  "store fewer files at the same time");
  }
  if (!starter_.joinable()) starter_ = std::thread([this] { run_starter(); });
  ++count_;
  auto ready = orders_.emplace_back().get_future();
  wanted_.notify_one();
  lock.unlock();
  auto process = ready.get();
  lock.lock();
  if (!process) {
    --count_;
    changed_.notify_one();
    return fail(std::move(process).error());
  }
  pooled_reader out;
  out.process = std::move(*process);
  out.pid = out.process->pid();
  alive_.push_back(out.pid);
  return out;
}

void reader_pool::state::give_back(pooled_reader reader) {
  const bool spent =
      reader.process && reader.inputs >= settings_.inputs_per_process && reader.open.expired();
  std::unique_lock lock(mutex_);
  if (reader.process && !spent && !closed_) {
    reader.free_since = steady::now();
    // Who ends those that nobody needs sleeps while there are none.
    if (free_.empty()) wanted_.notify_one();
    free_.push_back(std::move(reader));
  } else {
    --count_;
    std::erase(alive_, reader.pid);
  }
  lock.unlock();
  changed_.notify_one();
}

std::vector<pid_t> reader_pool::state::processes() const {
  const std::lock_guard lock(mutex_);
  return alive_;
}

void reader_pool::state::end_idle(std::unique_lock<std::mutex>& lock) {
  std::vector<pooled_reader> ending;
  const auto now = steady::now();
  for (auto& reader : free_)
    if (now - reader.free_since >= settings_.idle_limit) ending.push_back(std::move(reader));
  std::erase_if(free_, [](const pooled_reader& r) { return !r.process; });
  count_ -= ending.size();
  for (const auto& reader : ending) std::erase(alive_, reader.pid);
  lock.unlock();
  ending.clear();
  lock.lock();
}

void reader_pool::state::run_starter() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    if (orders_.empty()) {
      if (free_.empty())
        wanted_.wait(lock);
      else
        wanted_.wait_for(lock, settings_.idle_limit);
      end_idle(lock);
      continue;
    }
    auto order = std::move(orders_.front());
    orders_.pop_front();
    lock.unlock();
    order.set_value(reader_process::start(settings_));
    lock.lock();
  }
  for (auto& order : orders_) order.set_value(closed());
  orders_.clear();
}

void reader_pool::state::close() {
  std::vector<pooled_reader> ending;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ending.swap(free_);
    count_ -= ending.size();
    for (const auto& reader : ending) std::erase(alive_, reader.pid);
  }
  wanted_.notify_all();
  changed_.notify_all();
  if (starter_.joinable()) starter_.join();
}

bool leaves_unharmed(const error& answered) noexcept {
  return answered.code == ec::invalid_argument || answered.code == ec::not_found ||
         answered.code == ec::forbidden;
}

result<void> turn_to(pooled_reader& reader, const std::shared_ptr<const isolated_input>& input,
                     const reader_settings& settings) {
  if (reader.open.lock() == input) return {};
  const auto what = "open " + input->request.input;
  auto request = input->request;
  request.describe = false;
  bool alive = false;
  reader.open.reset();
  const auto answer = reader.process->ask(request, what, settings.open_deadline, alive);
  if (!alive || (!answer && !leaves_unharmed(answer.error()))) reader.process.reset();
  if (!answer) return fail(answer.error());
  ++reader.inputs;
  const auto* opened = std::get_if<opened_input>(&*answer);
  if (opened == nullptr || opened->scenes != input->seen.scenes || opened->hash != input->seen.hash)
    return fail(ec::io_error, what, "the file has changed since it was first looked at",
                "store it again when it is complete");
  reader.open = input;
  return {};
}

reader_pool::reader_pool(reader_settings settings)
    : state_(std::make_shared<state>(std::move(settings))) {}

reader_pool::~reader_pool() {
  state_->close();
}

std::vector<pid_t> reader_pool::processes() const {
  return state_->processes();
}

result<std::vector<std::unique_ptr<scene>>> reader_pool::open(const std::string& format,
                                                              const std::string& input,
                                                              const scene_options& options) {
  const auto what = "open " + input;
  const auto deadline = state_->settings().open_deadline;
  STIP_ASSIGN(auto reader, state_->lease(nullptr, 0));
  bool alive = false;
  const auto broken = [&](error why) {
    if (!alive || !leaves_unharmed(why)) reader.process.reset();
    state_->give_back(std::move(reader));
    return fail(std::move(why));
  };
  reader.open.reset();
  reader.scene.reset();
  auto made = std::make_shared<isolated_input>();
  made->request = {format, input, options, true};
  const auto answer = reader.process->ask(made->request, what, deadline, alive);
  if (!answer) return broken(answer.error());
  ++reader.inputs;
  const auto violated = [&] {
    alive = false;
    return broken(
        {ec::internal, what, "its reader process gave another answer than was asked for", {}});
  };
  const auto* opened = std::get_if<opened_input>(&*answer);
  if (opened == nullptr) return violated();
  made->seen = *opened;
  const std::shared_ptr<const isolated_input> shared = made;
  std::vector<std::unique_ptr<scene>> out;
  for (uint32_t i = 0; i < opened->scenes; ++i) {
    auto next = reader.process->more(what, deadline, alive);
    if (!next) return broken(next.error());
    auto* one = std::get_if<opened_scene>(&*next);
    if (one == nullptr || one->description.input != input) return violated();
    out.push_back(make_isolated_scene(state_, shared, i, std::move(*one)));
  }
  reader.open = shared;
  state_->give_back(std::move(reader));
  return out;
}

}  // namespace stip
