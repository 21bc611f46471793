#define CAF_SUITE cluster.isolated
#include <signal.h>

#include <caf/test/unit_test.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include "actors/network.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

// Files that a node has read by processes of its own, end to end.

namespace {

task_record store(const client& node, const std::string& glob) {
  auto request = sample_request("a", glob, 2);
  const auto task = node.store(std::move(request));
  if (!task) CAF_FAIL(to_string(task.error()));
  for (;;) {
    auto now = node.get_task(task->id);
    if (!now) CAF_FAIL(to_string(now.error()));
    if (!now->running()) return *now;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

std::set<std::string> platforms(const client& node) {
  std::set<std::string> out;
  find_request request;
  request.album = "a";
  for (;;) {
    auto page = node.find(request);
    if (!page) CAF_FAIL(to_string(page.error()));
    for (const auto& row : page->rows) out.insert(row.key.platform);
    if (!page->more) return out;
    request.has_after = true;
    request.after = page->rows.back().facts();
  }
}

/// The children of a process.
std::set<pid_t> children(pid_t parent) {
  std::set<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string().front())))
      continue;
    std::ifstream in(entry.path() / "stat");
    const std::string stat{std::istreambuf_iterator<char>(in), {}};
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream rest(stat.substr(name_end + 1));
    std::string state;
    pid_t of = 0;
    if (rest >> state >> of && of == parent && state != "Z") out.insert(std::stoi(stat));
  }
  return out;
}

}  // namespace

CAF_TEST(a node stores HDF and NetCDF files and loses none of itself) {
  const auto data = shared_data();
  if (!data || stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no sample files or no stipd");
    return;
  }
  scratch_directory directory;
  namespace fs = std::filesystem;
  const auto inputs = directory / "inputs";
  fs::create_directory(inputs);
  for (const std::string folder : {"modis-hdf4", "gridmet-netcdf", "hdf5", "viirs"})
    for (const auto& entry : fs::directory_iterator(*data + "/" + folder)) {
      const auto kind = entry.path().extension();
      if (kind == ".hdf" || kind == ".h5" || kind == ".he5" || kind == ".nc")
        fs::copy_file(entry.path(), inputs + "/" + entry.path().filename().string());
    }
  // A file that is damaged beyond use.
  write_file(inputs + "/MOD09GA.A2008296.h14v17.006.broken.hdf",
             std::string("\x0e\x03\x13\x01", 4) + std::string(9000, '\x7e'));
  system_config config{system_config::networking::on};
  caf::actor_system system{config};
  pid_t node_id = 0;
  std::set<pid_t> readers;
  {
    stipd_process process(directory / "node");
    node_id = process.pid();
    const auto node = connect(system, process);
    stip::album album;
    album.name = "a";
    CAF_REQUIRE(node.create_album(album).has_value());
    const auto first = store(node, inputs + "/*");
    CAF_MESSAGE(first.completed << " stored, " << first.skipped << " skipped");
    for (const auto& skipped : first.errors) CAF_MESSAGE(skipped.reason);
    const auto found = platforms(node);
    for (const std::string name : {"MOD13A2", "MOD10A2", "MOD09GA", "MCD12Q1", "MOD05_L2", "gridMET",
                                   "VIIRS_NPP-NAVO-L2P-v3.0"})
      CAF_CHECK(found.contains(name));
    CAF_CHECK(first.skipped >= 1);
    readers = children(node_id);
    CAF_CHECK(!readers.empty());
    // The same again changes nothing.
    const auto again = store(node, inputs + "/*");
    CAF_CHECK_EQUAL(again.completed, first.completed);
    CAF_CHECK_EQUAL(again.skipped, first.skipped);
    readers = children(node_id);
    process.end(SIGKILL);
  }
  for (const auto pid : readers) {
    // Init may not have looked at those that died.
    std::string state = "?";
    for (int i = 0; i < 1000 && state != "Z" && !state.empty(); ++i) {
      std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
      const std::string stat{std::istreambuf_iterator<char>(in), {}};
      const auto end = stat.rfind(')');
      state = end == std::string::npos ? "" : stat.substr(end + 2, 1);
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    CAF_CHECK(state == "Z" || state.empty());
  }
}
