#define CAF_SUITE chaos.processes
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "actors/client.hpp"
#include "actors/network.hpp"
#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/environment.hpp"
#include "tests/support/libstip/sample_scene.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// Real processes under a load, while one of them at a time is killed, frozen, or destroyed with its
// directory. Whatever was acknowledged has to be there in the end, with all of its copies.
//
// STIP_CHAOS_SECONDS: how long faults go on. STIP_CHAOS_SEED: which ones (printed).

using namespace stip;
using namespace stip::test;

namespace {

constexpr size_t node_count = 4;
constexpr uint32_t copies = 2;
constexpr int default_seconds = 12;
constexpr int dial_timeout_ms = 2'000;
constexpr std::chrono::milliseconds look_again{100};
constexpr std::chrono::seconds patience{120};

/// A port of loopback that is free now: a node that is started again has to listen where it did.
uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) CAF_FAIL("no free port");
  return ntohs(address.sin_port);
}

/// True as soon as `happens`; false when it never does.
template <class F>
bool eventually(F happens) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (happens()) return true;
    std::this_thread::sleep_for(look_again);
  }
  return false;
}

struct fixture {
  scratch_directory files;
  system_config config{system_config::networking::on};
  caf::actor_system system{config};
  std::vector<uint16_t> ports;
  std::vector<std::unique_ptr<stipd_process>> nodes;
  std::mutex mutex;
  std::vector<std::string> acknowledged;

  std::string directory(size_t i) const { return files / ("node" + std::to_string(i)); }

  void start(size_t i) {
    std::string peers;
    for (const auto port : ports)
      peers += (peers.empty() ? "\"127.0.0.1:" : ",\"127.0.0.1:") + std::to_string(port) + "\"";
    nodes[i] = std::make_unique<stipd_process>(
        directory(i), std::vector<std::string>{"--stip.port=" + std::to_string(ports[i]),
                                               "--stip.peers=[" + peers + "]"});
  }

  result<client> ask(size_t i) {
    auto handles = dial(system, "127.0.0.1", ports[i], dial_timeout_ms);
    if (!handles) return fail(handles.error());
    return client{system, std::move(*handles)};
  }

  /// Every node sees all nodes as up, and no other.
  bool is_whole() {
    for (size_t i = 0; i < node_count; ++i) {
      auto node = ask(i);
      if (!node) return false;
      const auto seen = node->nodes();
      if (!seen || seen->size() != node_count) return false;
      for (const auto& s : *seen)
        if (s.node.state != member_state::up) return false;
    }
    return true;
  }

  /// All images with all of their copies, when nothing is missing anywhere.
  std::optional<std::vector<image_row>> whole_rows() {
    auto node = ask(0);
    if (!node) return {};
    const auto repaired = node->repair(0);
    if (!repaired || repaired->facts > 0 || repaired->kept > 0 || !repaired->problems.empty())
      return {};
    find_request find;
    find.album = "a";
    std::vector<image_row> rows;
    while (true) {
      auto page = node->find(find);
      if (!page || !page->problems.empty()) return {};
      for (auto& row : page->rows) rows.push_back(std::move(row));
      if (!page->more) break;
      find.has_after = true;
      find.after = rows.back().facts();
    }
    for (const auto& row : rows)
      if (row.nodes.size() != copies) return {};
    return rows;
  }

  std::vector<image_row> await_whole() {
    std::optional<std::vector<image_row>> rows;
    if (!eventually([&] { return is_whole() && (rows = whole_rows()).has_value(); }))
      CAF_FAIL("the cluster does not come back to all of its copies");
    return std::move(*rows);
  }

  /// Stores one scene through a node; whether all of it is acknowledged.
  bool store(size_t i, const std::string& scene) {
    auto node = ask(i);
    if (!node) return false;
    auto task = node->store(sample_request("a", scene, 5));
    while (task && task->running()) {
      std::this_thread::sleep_for(look_again);
      task = node->get_task(task->id);
    }
    return task && task->state == task_state::done && task->completed == 1;
  }

  /// Reads every pixel of every image from the cluster.
  void read_all(const client& node, const std::vector<image_row>& rows) {
    std::string failure;
    node.chips_of("a", rows, [&](pulled_chip chip) {
      const std::lock_guard guard{mutex};
      if (!chip.pixels) failure = to_string(chip.pixels.error());
      return failure.empty();
    });
    CAF_CHECK_EQUAL(failure, "");
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(chaos_tests, fixture)

CAF_TEST(nothing acknowledged is lost while nodes are killed frozen and destroyed) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  const auto seconds = from_environment("STIP_CHAOS_SECONDS", default_seconds);
  const auto seed =
      static_cast<uint64_t>(from_environment("STIP_CHAOS_SEED", std::random_device{}() >> 1));
  CAF_MESSAGE("STIP_CHAOS_SEED=" << seed << " STIP_CHAOS_SECONDS=" << seconds);
  std::mt19937_64 random{seed};
  for (size_t i = 0; i < node_count; ++i) ports.push_back(free_port());
  nodes.resize(node_count);
  for (size_t i = 0; i < node_count; ++i) start(i);
  CAF_REQUIRE(eventually([&] { return is_whole(); }));
  album wanted;
  wanted.name = "a";
  wanted.replication = copies;
  CAF_REQUIRE(ask(0)->create_album(wanted));

  std::atomic<bool> ended{false};
  std::jthread load{[&] {
    std::mt19937_64 which{seed + 1};
    for (int n = 0; !ended; ++n) {
      sample_scene scene;
      scene.shift = 41 * (n % 60);
      scene.seed = uint64_t(n) + 1;
      scene.timestamp = "2020-02-0" + std::to_string(1 + n % 9);
      const auto path = files / ("scene" + std::to_string(n) + ".tif");
      write_scene(path, scene);
      const bool stored = store(which() % node_count, path);
      const std::lock_guard guard{mutex};
      if (stored) acknowledged.push_back(path);
    }
  }};

  std::map<std::string, int> faults;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
  while (std::chrono::steady_clock::now() < until) {
    const auto i = random() % node_count;
    const auto rest = std::chrono::milliseconds{200 + random() % 3000};
    switch (random() % 3) {
      case 0:
        ++faults["killed"];
        nodes[i]->end(SIGKILL);
        std::this_thread::sleep_for(rest);
        start(i);
        break;
      case 1:
        ++faults["frozen"];
        ::kill(nodes[i]->pid(), SIGSTOP);
        std::this_thread::sleep_for(rest);
        ::kill(nodes[i]->pid(), SIGCONT);
        break;
      default:
        ++faults["destroyed"];
        nodes[i]->end(SIGKILL);
        std::filesystem::remove_all(directory(i));
        std::this_thread::sleep_for(rest);
        start(i);
    }
    // Two copies bear one fault at a time: the next comes when all copies are there again.
    await_whole();
  }
  ended = true;
  load.join();

  const auto rows = await_whole();
  auto node = ask(1);
  CAF_REQUIRE(node);
  read_all(*node, rows);
  // What one node alone makes of the acknowledged scenes.
  stipd_process alone{files / "alone"};
  const auto twin = connect(system, alone);
  wanted.replication = 1;
  CAF_REQUIRE(twin.create_album(wanted));
  const auto there = contents_of(rows);
  size_t images = 0;
  for (const auto& scene : acknowledged) {
    auto task = twin.store(sample_request("a", scene, 5));
    CAF_REQUIRE(task);
    while (task && task->running()) {
      std::this_thread::sleep_for(look_again);
      task = twin.get_task(task->id);
    }
  }
  find_request find;
  find.album = "a";
  while (true) {
    const auto page = twin.find(find);
    CAF_REQUIRE(page);
    for (const auto& [key, content] : contents_of(page->rows)) {
      const auto found = there.find(key);
      CAF_CHECK(found != there.end() && found->second == content);
      ++images;
    }
    if (!page->more) break;
    find.has_after = true;
    find.after = page->rows.back().facts();
  }
  CAF_MESSAGE(faults["killed"] << " killed, " << faults["frozen"] << " frozen, "
                               << faults["destroyed"] << " destroyed; " << acknowledged.size()
                               << " scenes acknowledged, " << images << " chips compared");
  CAF_CHECK(images > 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
