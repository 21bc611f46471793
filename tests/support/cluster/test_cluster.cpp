#include "tests/support/cluster/test_cluster.hpp"

#include <spdlog/sinks/basic_file_sink.h>

#include <map>
#include <thread>

#include "libstip/catalog/rows.hpp"

namespace stip::test {

namespace {
constexpr std::chrono::milliseconds look_again{20};
}

test_cluster::test_cluster(size_t nodes, std::function<void(node_settings&)> adjust)
    : adjust_(std::move(adjust)), slots_(nodes) {
  for (size_t i = 0; i < nodes * nodes; ++i) links_.push_back(std::make_unique<tcp_proxy>());
  for (size_t i = 0; i < nodes; ++i) start(i);
}

test_cluster::~test_cluster() {
  for (size_t i = 0; i < size(); ++i) stop(i);
}

std::string test_cluster::directory(size_t i) const {
  return files_ / ("node" + std::to_string(i));
}

void test_cluster::start(size_t i) {
  auto& slot = slots_[i];
  slot.config = std::make_unique<system_config>(system_config::networking::on);
  slot.config->set("scheduler.max-threads", size_t{2});
  slot.config->set("middleman.workers", size_t{1});
  slot.system = std::make_unique<caf::actor_system>(*slot.config);
  if (!slot.disk) slot.disk = std::make_unique<fault_file_system>();
  running_node::parts parts;
  parts.settings = default_settings();
  parts.settings.directory = directory(i);
  parts.settings.cluster = "test";
  parts.settings.route = [this, i](const std::string& address) { return route(i, address); };
  parts.settings.token_count = 64;
  parts.settings.free_bytes_watermark = 0;
  // Nodes that are killed here do not come back by themselves.
  parts.settings.parcel_patience = std::chrono::seconds{2};
  for (size_t peer = 0; peer < size(); ++peer)
    if (peer != i)
      parts.settings.peers.push_back("127.0.0.1:" + std::to_string(link(i, peer).port()));
  if (adjust_) adjust_(parts.settings);
  parts.log = std::make_shared<spdlog::logger>(
      "node" + std::to_string(i),
      std::make_shared<spdlog::sinks::basic_file_sink_mt>(directory(i) + ".log"));
  // A test that hangs is explained by these.
  parts.log->flush_on(spdlog::level::info);
  parts.files = slot.disk.get();
  set_starting(true);
  auto node = running_node::start(*slot.system, std::move(parts), system_config::networking::on);
  if (node) {
    slot.node = std::move(*node);
    for (size_t peer = 0; peer < size(); ++peer) {
      link(peer, i).set_target(slot.node->port());
      link(peer, i).restore();
      link(i, peer).restore();
    }
    const std::lock_guard guard{mutex_};
    std::erase_if(addresses_, [i](const auto& entry) { return entry.second == i; });
    addresses_[handles(i).info.address()] = i;
  }
  set_starting(false);
  if (!node) throw std::runtime_error(to_string(node.error()));
}

void test_cluster::set_starting(bool starting) {
  {
    const std::lock_guard guard{mutex_};
    starting_ = starting;
  }
  started_.notify_all();
}

std::string test_cluster::route(size_t from, const std::string& address) {
  std::unique_lock guard{mutex_};
  started_.wait(guard, [this] { return !starting_; });
  const auto found = addresses_.find(address);
  if (found == addresses_.end()) return address;
  return "127.0.0.1:" + std::to_string(link(from, found->second).port());
}

void test_cluster::stop(size_t i) {
  auto& slot = slots_[i];
  slot.node.reset();
  slot.system.reset();
  slot.config.reset();
}

void test_cluster::kill(size_t i) {
  for (size_t peer = 0; peer < size(); ++peer) {
    link(peer, i).set_target(0);
    link(peer, i).cut();
    link(i, peer).cut();
  }
  // From here on nothing reaches the disk: a commit that is under way fails at its sync.
  slots_[i].disk->fail_syncs(size_t(-1));
  slots_[i].disk->fail_directory_syncs(size_t(-1));
  stop(i);
  slots_[i].disk->drop_unsynced();
  slots_[i].disk->fail_syncs(0);
  slots_[i].disk->fail_directory_syncs(0);
}

void test_cluster::cut(size_t a, size_t b) {
  link(a, b).cut();
  link(b, a).cut();
}

void test_cluster::silence(size_t a, size_t b, bool on) {
  link(a, b).silence(on);
  link(b, a).silence(on);
}

void test_cluster::restore(size_t a, size_t b) {
  link(a, b).restore();
  link(b, a).restore();
}

bool test_cluster::settle(std::chrono::seconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  // Of a node that was killed and started again, others may still see the earlier one as up.
  std::map<uint64_t, uint64_t> running;
  for (size_t i = 0; i < size(); ++i)
    if (runs(i)) running[handles(i).info.id] = handles(i).info.incarnation;
  auto sees_all = [&](size_t i) {
    auto members = ask<std::vector<member>>(i, handles(i).membership, atom::list_v);
    if (!members) return false;
    std::map<uint64_t, uint64_t> up;
    for (const auto& m : *members)
      if (m.state == member_state::up) up[m.info.id] = m.info.incarnation;
    // That all are up is known before it is known that all know it.
    return up == running &&
           ask<placement>(i, handles(i).ring, atom::locate_v, std::string{"u4pr"}, album{});
  };
  while (std::chrono::steady_clock::now() < until) {
    bool all = true;
    for (size_t i = 0; i < size(); ++i)
      if (runs(i)) all = all && sees_all(i);
    if (all) return true;
    std::this_thread::sleep_for(look_again);
  }
  return false;
}

result<album> test_cluster::create_album(size_t i, const std::string& name,
                                         geocode_algorithm algorithm, int32_t key_length) {
  album wanted;
  wanted.name = name;
  wanted.algorithm = algorithm;
  wanted.dht_key_length = key_length;
  return ask<album>(i, handles(i).albums, atom::create_v, wanted);
}

result<task_record> test_cluster::store(size_t i, store_request request) {
  STIP_ASSIGN(const auto task,
              ask<task_record>(i, handles(i).loader, atom::store_v, std::move(request)));
  return wait_task(i, task.id);
}

result<task_record> test_cluster::wait_task(size_t i, const std::string& id) {
  while (true) {
    STIP_ASSIGN(auto task, ask<task_record>(i, handles(i).tasks, atom::get_v, id));
    if (!task.running()) return task;
    std::this_thread::sleep_for(look_again);
  }
}

result<std::vector<image_row>> test_cluster::list(size_t i, const std::string& album,
                                                  const filter& match) {
  std::vector<image_row> all;
  find_request request;
  request.album = album;
  request.match = match;
  while (true) {
    STIP_ASSIGN(const auto answer, ask<query_answer>(i, handles(i).query, atom::find_v, request));
    if (!answer.problems.empty())
      return fail(ec::unavailable, "list images", answer.problems.front());
    STIP_ASSIGN(auto rows, decode_image_rows(answer.rows));
    all.insert(all.end(), rows.begin(), rows.end());
    if (!answer.more || rows.empty()) return all;
    request.has_after = true;
    request.after = rows.back().facts();
  }
}

}  // namespace stip::test
