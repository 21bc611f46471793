#include "tests/support/cluster/chaos_cluster.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <filesystem>

#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/libstip/sample_scene.hpp"

namespace stip::test {

namespace {

constexpr int dial_timeout_ms = 2'000;
constexpr uint16_t port_of_host = 15605;
constexpr std::chrono::milliseconds look_again{100};
/// Few enough for a small disk.
constexpr size_t most_scenes = 60;
constexpr int most_extra_scenes = 20;
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

}  // namespace

chaos_cluster::chaos_cluster(uint64_t seed, std::unique_ptr<test_network> network,
                             size_t disk_bytes)
    : seed_(seed),
      network_(std::move(network)),
      system_(std::make_unique<caf::actor_system>(config_)) {
  for (size_t i = 0; i < node_count; ++i) ports_.push_back(network_ ? port_of_host : free_port());
  nodes_.resize(node_count);
  for (size_t i = 0; i < node_count && disk_bytes > 0; ++i) {
    std::filesystem::create_directory(directory(i));
    const auto mounted = test_network::mount_disk(directory(i), disk_bytes);
    if (!mounted) CAF_FAIL(to_string(mounted.error()));
  }
  for (size_t i = 0; i < node_count; ++i) start(i);
  CAF_REQUIRE(eventually([&] { return is_whole(); }));
  album wanted;
  wanted.name = "a";
  wanted.replication = copies;
  CAF_REQUIRE(ask(0)->create_album(wanted));
}

std::string chaos_cluster::host(size_t i) const {
  return network_ ? test_network::address(i) : "127.0.0.1";
}

void chaos_cluster::start(size_t i) {
  std::string peers;
  for (size_t k = 0; k < node_count; ++k)
    peers += (k == 0 ? "\"" : ",\"") + host(k) + ":" + std::to_string(ports_[k]) + "\"";
  std::function<void()> move;
  if (network_) move = [this, i] { network_->enter(i); };
  nodes_[i] = std::make_unique<stipd_process>(
      directory(i),
      std::vector<std::string>{"--stip.host=" + host(i), "--stip.port=" + std::to_string(ports_[i]),
                               "--stip.peers=[" + peers + "]"},
      move);
}

void chaos_cluster::destroy(size_t i) {
  kill(i);
  // The directory itself may be a disk's.
  for (const auto& entry : std::filesystem::directory_iterator(directory(i)))
    std::filesystem::remove_all(entry.path());
}

result<client> chaos_cluster::ask(size_t i) {
  auto handles = dial(*system_, host(i), ports_[i], dial_timeout_ms);
  if (!handles) return fail(handles.error());
  return client{*system_, std::move(*handles)};
}

bool chaos_cluster::is_whole() {
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

std::optional<std::vector<image_row>> chaos_cluster::whole_rows() {
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

std::vector<image_row> chaos_cluster::await_whole() {
  std::optional<std::vector<image_row>> rows;
  if (!eventually([&] { return is_whole() && (rows = whole_rows()).has_value(); }))
    CAF_FAIL("the cluster does not come back to all of its copies");
  return std::move(*rows);
}

/// Stores one scene through a node; whether all of it is acknowledged.
bool chaos_cluster::store(const client& node, const std::string& scene) {
  auto task = node.store(sample_request("a", scene, 5));
  while (task && task->running()) {
    std::this_thread::sleep_for(look_again);
    task = node.get_task(task->id);
  }
  return task && task->state == task_state::done && task->completed == 1;
}

void chaos_cluster::begin_load() {
  load_ = std::jthread{[this] {
    std::mt19937_64 which{seed_ + 1};
    // Among many faults in a short time no store may have come through yet.
    int extra = most_extra_scenes;
    for (int n = 0; !ended_ || (acknowledged_.empty() && extra-- > 0); ++n) {
      sample_scene scene;
      scene.shift = 41 * (n % 60);
      scene.seed = uint64_t(n) + 1;
      scene.timestamp = "2020-02-0" + std::to_string(1 + n % 9);
      const auto path = files_ / ("scene" + std::to_string(n) + ".tif");
      write_scene(path, scene);
      auto node = ask(which() % node_count);
      const bool stored = node && store(*node, path);
      if (!stored) continue;
      acknowledged_.push_back(path);
      if (acknowledged_.size() > most_scenes) erase_oldest(which);
    }
  }};
}

void chaos_cluster::erase_oldest(std::mt19937_64& which) {
  const auto tile = std::filesystem::path(acknowledged_.front()).stem().string();
  // What was asked to go may be gone, whatever comes of it.
  acknowledged_.pop_front();
  filter match;
  match.tile = tile;
  const auto node = ask(which() % node_count);
  if (node && node->erase("a", match)) deleted_.insert(tile);
}

void chaos_cluster::end_load() {
  ended_ = true;
  load_.join();
}

/// Reads every pixel of every image from the cluster.
void chaos_cluster::read_all(const client& node, const std::vector<image_row>& rows) {
  std::string failure;
  node.chips_of("a", rows, [&](pulled_chip chip) {
    const std::lock_guard guard{mutex_};
    if (!chip.pixels) failure = to_string(chip.pixels.error());
    return failure.empty();
  });
  CAF_CHECK_EQUAL(failure, "");
}

size_t chaos_cluster::compare_with_one_node() {
  const auto rows = await_whole();
  auto node = ask(1);
  CAF_REQUIRE(node);
  read_all(*node, rows);
  stipd_process alone{files_ / "alone"};
  const auto twin = connect(*system_, alone);
  album wanted;
  wanted.name = "a";
  CAF_REQUIRE(twin.create_album(wanted));
  for (const auto& row : rows) CAF_CHECK(!deleted_.contains(row.key.tile));
  const auto there = contents_of(rows);
  size_t images = 0;
  for (const auto& scene : acknowledged_) CAF_REQUIRE(store(twin, scene));
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
  return images;
}

}  // namespace stip::test
