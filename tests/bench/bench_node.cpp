#include "tests/bench/bench_node.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "libstip/core/defaults.hpp"
#include "tests/bench/harness.hpp"

namespace stip::bench {

namespace {
constexpr std::chrono::milliseconds look_again{20};
constexpr std::chrono::milliseconds look_for_peers{100};
constexpr int patience = 600;
}  // namespace

bench_node::bench_node(size_t processors, const std::vector<const bench_node*>& others) {
  if (test::stipd_binary().empty()) give_up("there is no stipd in STIP_BIN_DIR; use sbin/bench");
  std::filesystem::create_directories(directory());
  use_processors(processors);
  std::vector<std::string> options;
  if (!others.empty()) {
    std::string peers;
    for (const auto* other : others)
      peers += (peers.empty() ? "" : ",") +
               ("\"127.0.0.1:" + std::to_string(other->process_->port())) + "\"";
    options.push_back("--stip.peers=[" + peers + "]");
  }
  process_ = std::make_unique<test::stipd_process>(directory(), options);
  use_processors(0);
  config_ = std::make_unique<system_config>(system_config::networking::on);
  config_->set("scheduler.max-threads", static_cast<int64_t>(defaults::client_threads));
  system_ = std::make_unique<caf::actor_system>(*config_);
  auto handles = value_or_give_up(dial(*system_, "127.0.0.1", process_->port(),
                                       static_cast<int>(defaults::dial_deadline.count())));
  id_ = handles.info.id;
  client_ = std::make_unique<client>(*system_, std::move(handles));
}

bench_node::~bench_node() {
  client_.reset();
  system_.reset();
  process_->end(SIGTERM);
}

double bench_node::cpu_seconds() const {
  return cpu_seconds_of_tree(process_->pid());
}

task_record bench_node::store(const store_request& request) {
  auto task = value_or_give_up(client_->store(request));
  while (task.running()) {
    std::this_thread::sleep_for(look_again);
    task = value_or_give_up(client_->get_task(task.id));
  }
  if (task.completed == 0 || task.skipped > 0)
    give_up("store " + request.glob + ": " +
            (task.errors.empty() ? "nothing was stored" : task.errors.front().reason));
  return task;
}

void bench_node::create_album(const std::string& name, uint32_t copies) {
  album wanted;
  wanted.replication = copies;
  wanted.name = name;
  wanted.algorithm = geocode_algorithm::geohash;
  value_or_give_up(client_->create_album(wanted));
}

void bench_node::remove_album(const std::string& name) {
  if (auto removed = client_->remove_album(name); !removed && removed.error().code != ec::not_found)
    give_up(to_string(removed.error()));
}

void await_all_up(const std::vector<bench_node*>& nodes) {
  for (int attempt = 0; attempt < patience; ++attempt) {
    const bool ready = std::all_of(nodes.begin(), nodes.end(), [&](bench_node* n) {
      const auto seen = n->node().nodes();
      return seen && seen->size() == nodes.size() &&
             std::all_of(seen->begin(), seen->end(),
                         [](const node_status& s) { return s.node.state == member_state::up; });
    });
    if (ready) return;
    std::this_thread::sleep_for(look_for_peers);
  }
  give_up("the nodes do not find each other");
}

store_request scene_request(const std::string& scene, int precision, size_t threads) {
  store_request request;
  request.album = "bench";
  request.glob = scene;
  request.format = "generic";
  request.precision = precision;
  request.threads = uint32_t(threads);
  request.platform = "Sentinel-2A";
  request.timestamp = "2020-07-14";
  return request;
}

}  // namespace stip::bench
