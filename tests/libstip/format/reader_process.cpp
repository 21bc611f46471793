#define CAF_SUITE format.reader_process
#include "libstip/format/reader_process.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "libstip/format/reader_pool.hpp"
#include "libstip/format/reader_protocol.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "tests/support/libstip/environment.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;
using namespace std::chrono_literals;

namespace {

scene_options known() {
  scene_options out;
  out.platform = "Test";
  out.timestamp = 1'500'000'000;
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A NetCDF and a HDF4 file; nothing without the sample files.
struct samples {
  std::string netcdf, hdf4;
};

std::optional<samples> sample_files() {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return std::nullopt;
  }
  return samples{*data + "/modis-other/MODIS_ARRAY.nc",
                 *data + "/modis-hdf4/MOD13A2.A2016145.h18v04.006.2016166145124.hdf"};
}

std::vector<std::byte> pixels_of_netcdf(const samples& files) {
  return gdal_pixels(files.netcdf, 1, pixel_type::int16);
}

/// Waits for a state that must come.
bool comes(const std::function<bool()>& state) {
  for (int i = 0; i < 3000; ++i) {
    if (state()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// Whether the process is there, be it as a zombie of somebody who has not looked.
bool is_there(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

/// A program that stands in for the reader.
std::string script(const scratch_directory& directory, const std::string& text) {
  const auto path = directory / "reader.sh";
  write_file(path, "#!/bin/bash\n" + text);
  ::chmod(path.c_str(), S_IRWXU);
  return path;
}

}  // namespace

CAF_TEST(files of libraries for one thread are told by their first bytes) {
  scratch_directory directory;
  const auto is = [&](const std::string& bytes) {
    write_file(directory / "a.bin", bytes);
    return is_isolated(directory / "a.bin");
  };
  const std::string hdf5 = "\x89HDF\r\n\x1a\n";
  CAF_CHECK(is(std::string("\x0e\x03\x13\x01", 4)));
  CAF_CHECK(is(hdf5 + "more"));
  CAF_CHECK(is("CDF\x01" + std::string(40, 'x')));
  CAF_CHECK(is("CDF\x02" + std::string(40, 'x')));
  CAF_CHECK(is("CDF\x05" + std::string(40, 'x')));
  CAF_CHECK(is(std::string(512, '\0') + hdf5));
  CAF_CHECK(is(std::string(4096, ' ') + hdf5));
  CAF_CHECK(!is(std::string(4097, ' ') + hdf5));
  CAF_CHECK(!is("CDF\x09" + std::string(40, 'x')));
  CAF_CHECK(!is("CDF"));
  CAF_CHECK(!is("II*\0 and so on"));
  CAF_CHECK(!is(""));
  CAF_CHECK(!is_isolated(directory / "none"));
  CAF_CHECK(!is_isolated(directory.path()));
  CAF_CHECK(!is_isolated(""));
}

CAF_TEST(this process never opens them itself) {
  const auto files = sample_files();
  if (!files) return;
  for (const auto& file : {files->netcdf, files->hdf4}) {
    const auto scenes = open_scenes("auto", file, known());
    CAF_REQUIRE(!scenes);
    CAF_CHECK_EQUAL(to_string(scenes.error().code), to_string(ec::unsupported));
    CAF_CHECK(!open_gdal(file));
    CAF_CHECK_EQUAL(identify_gdal(file), "");
  }
}

CAF_TEST(a file is read by another process as GDAL reads it) {
  const auto files = sample_files();
  if (!files) return;
  reader_pool pool;
  const auto s = only_scene(pool, files->netcdf, known());
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().input, files->netcdf);
  CAF_CHECK_EQUAL(s->description().input_bytes, std::filesystem::file_size(files->netcdf));
  const auto pixels = whole(*s, 0);
  CAF_REQUIRE(pixels);
  const auto expected = pixels_of_netcdf(*files);
  CAF_REQUIRE(!expected.empty());
  CAF_CHECK(*pixels == expected);
  CAF_CHECK_EQUAL(pool.processes().size(), 1u);
  // A window that lies elsewhere, is empty or has another size is refused here already.
  const auto reader = s->open_reader();
  CAF_REQUIRE(reader);
  std::vector<std::byte> two(4);
  CAF_CHECK(!(*reader)->read(0, {200, 0, 1, 2}, 0, 1, two));
  CAF_CHECK(!(*reader)->read(0, {-1, 0, 1, 2}, 0, 1, two));
  CAF_CHECK(!(*reader)->read(0, {0, 0, 0, 2}, 0, 1, two));
  CAF_CHECK(!(*reader)->read(0, {0, 0, 2, 2}, 0, 1, two));
  CAF_CHECK(!(*reader)->read(0, {0, 0, 1, 2}, 1, 1, two));
  CAF_CHECK(!(*reader)->read(1, {0, 0, 1, 2}, 0, 1, two));
  CAF_CHECK((*reader)->read(0, {3, 5, 1, 2}, 0, 1, two).has_value());
}

CAF_TEST(windows larger than the shared memory come in pieces) {
  const auto files = sample_files();
  if (!files) return;
  reader_settings settings;
  settings.shared_bytes = 4096;  // ten rows
  reader_pool pool(settings);
  const auto s = only_scene(pool, files->netcdf, known());
  CAF_REQUIRE(s != nullptr);
  const auto pixels = whole(*s, 0);
  CAF_REQUIRE(pixels);
  CAF_CHECK(*pixels == pixels_of_netcdf(*files));
}

CAF_TEST(many threads read one file and several in a bounded number of processes) {
  const auto files = sample_files();
  if (!files) return;
  for (const size_t processes : {1u, 3u}) {
    reader_settings settings;
    settings.processes = processes;
    reader_pool pool(settings);
    const auto first = only_scene(pool, files->netcdf, known());
    const auto second = only_scene(pool, files->hdf4);
    CAF_REQUIRE(first != nullptr && second != nullptr);
    const auto one = whole(*first, 0);
    const auto two = whole(*second, 0);
    CAF_REQUIRE(one && two);
    std::atomic<int> same{0};
    std::vector<std::jthread> threads;
    constexpr int count = 5, rounds = 4;
    for (int t = 0; t < count; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < rounds; ++i) {
          const auto pixels = whole(t % 2 == 0 ? *first : *second, 0);
          same += pixels.has_value() && *pixels == (t % 2 == 0 ? *one : *two);
        }
      });
    threads.clear();
    CAF_CHECK_EQUAL(same.load(), count * rounds);
    CAF_CHECK(pool.processes().size() <= processes);
  }
}

CAF_TEST(a process that is killed costs its input and nothing else) {
  const auto files = sample_files();
  if (!files) return;
  reader_pool pool;
  const auto s = only_scene(pool, files->netcdf, known());
  CAF_REQUIRE(s != nullptr);
  const auto expected = whole(*s, 0);
  CAF_REQUIRE(expected);
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0}, wrong{0};
  std::string reason;
  std::jthread reading([&] {
    while (!stop) {
      const auto pixels = whole(*s, 0);
      if (!pixels) {
        reason = to_string(pixels.error());
        ++failed;
      } else if (*pixels != *expected) {
        ++wrong;
      }
    }
  });
  const bool met = comes([&] {
    for (const auto pid : pool.processes()) ::kill(pid, SIGKILL);
    return failed > 2;
  });
  stop = true;
  reading.join();
  CAF_CHECK(met);
  CAF_CHECK_EQUAL(wrong.load(), 0);
  CAF_MESSAGE(reason);
  CAF_CHECK(has(reason, files->netcdf) && has(reason, "killed") && has(reason, "signal 9"));
  const auto again = whole(*s, 0);
  CAF_CHECK(again.has_value() && *again == *expected);
}

CAF_TEST(a process that hangs is given up after its deadline) {
  const auto files = sample_files();
  if (!files) return;
  reader_settings settings;
  settings.read_deadline = 300ms;
  reader_pool pool(settings);
  const auto s = only_scene(pool, files->netcdf, known());
  CAF_REQUIRE(s != nullptr);
  const auto pids = pool.processes();
  CAF_REQUIRE_EQUAL(pids.size(), 1u);
  ::kill(pids.front(), SIGSTOP);
  const auto hung = whole(*s, 0);
  CAF_REQUIRE(!hung);
  CAF_MESSAGE(to_string(hung.error()));
  CAF_CHECK_EQUAL(to_string(hung.error().code), to_string(ec::timeout));
  CAF_CHECK(has(to_string(hung.error()), "did not answer within 0.3 s"));
  CAF_CHECK(!is_there(pids.front()));
  CAF_CHECK(whole(*s, 0).has_value());
}

CAF_TEST(what a process says is not believed) {
  const auto files = sample_files();
  if (!files) return;
  scratch_directory directory;
  reader_settings settings;
  settings.open_deadline = 2s;
  const auto refusal = [&](const std::string& text) {
    settings.program = script(directory, text);
    reader_pool pool(settings);
    const auto scenes = pool.open("auto", files->netcdf, known());
    if (scenes) return std::string();
    CAF_MESSAGE(to_string(scenes.error()));
    return to_string(scenes.error());
  };
  CAF_CHECK(has(refusal("exit 3"), "status 3"));
  CAF_CHECK(has(refusal("kill -SEGV $$"), "signal 11"));
  CAF_CHECK(has(refusal("kill -ABRT $$"), "signal 6"));
  CAF_CHECK(has(refusal("kill -XCPU $$"), "processor time"));
  CAF_CHECK(has(refusal("printf '\\xff\\xff\\xff\\xff' >&3; sleep 9"), "broke the protocol"));
  CAF_CHECK(has(refusal("printf '\\x03\\0\\0\\0abc' >&3; sleep 9"), "broke the protocol"));
  CAF_CHECK(
      has(refusal("printf '\\x09\\0\\0\\0\\x01\\x04\\xff\\xff\\xff\\xff\\0\\0\\0' >&3; sleep 9"),
          "broke the protocol"));
  // Pixels, though scenes were asked for.
  CAF_CHECK(has(refusal("printf '\\x0a\\0\\0\\0\\x01\\x06\\0\\0\\0\\0\\0\\0\\0\\0' >&3; sleep 9"),
                "another answer"));
  settings.open_deadline = 300ms;
  CAF_CHECK(has(refusal("sleep 9"), "did not answer"));
  settings.program = directory / "none";
  reader_pool pool(settings);
  const auto missing = pool.open("auto", files->netcdf, known());
  CAF_REQUIRE(!missing);
  CAF_CHECK(has(to_string(missing.error()), "none: No such file"));
}

CAF_TEST(damaged files cost one input each) {
  const auto files = sample_files();
  if (!files) return;
  scratch_directory directory;
  reader_settings settings;
  settings.open_deadline = 5s;
  settings.read_deadline = 5s;
  reader_pool pool(settings);
  // More with STIP_DAMAGE_ROUNDS=1000.
  const int rounds = from_environment("STIP_DAMAGE_ROUNDS", 12);
  const auto data = *shared_data();
  for (const std::string name :
       {"modis-hdf4/MOD13A2.A2016145.h18v04.006.2016166145124.hdf",
        "modis-hdf4/MOD10A2.A2022033.h09v05.061.2022042050729.hdf",
        "hdf5/dummy_HDFEOS_IIRS_Grid_IMG_2D_issue_1294.h5", "gridmet-netcdf/tmmx_20190121.nc",
        "modis-other/MODIS_MYD09GQ_15TWF79_20171019.nc"}) {
    const auto good = file_bytes(data + "/" + name);
    constexpr uint64_t seed = 4711;
    CAF_MESSAGE(name << ", seed " << seed);
    std::mt19937_64 random(seed);
    std::map<std::string, int> outcomes;
    for (int i = 0; i < rounds; ++i) {
      auto bytes = good;
      // Damage to the directory at the beginning and the end does more than damage to pixels.
      const auto places = 1 + random() % 40;
      for (uint64_t k = 0; k < places; ++k) {
        const auto reach =
            random() % 2 == 0 ? std::min<size_t>(bytes.size(), 40'000) : bytes.size();
        const auto at = 8 + random() % (reach - 8);
        bytes[i % 2 == 0 ? at : bytes.size() - 1 - at % (bytes.size() - 8)] = char(random());
      }
      if (i % 10 == 9) bytes.resize(8 + random() % (bytes.size() - 8));
      const auto path = directory / (std::to_string(i) + name.substr(name.find('/') + 1));
      write_file(path, bytes);
      std::string why;
      const auto scenes = open_scenes("auto", path, known(), pool);
      if (!scenes)
        why = to_string(scenes.error());
      else
        for (const auto& s : *scenes) why = why.empty() ? read_all(*s) : why;
      if (!why.empty() && !has(why, directory.path())) CAF_CHECK_EQUAL(why, "names the file");
      const bool died = has(why, "crashed") || has(why, "did not answer") || has(why, "processor");
      if (died) CAF_MESSAGE(why);
      ++outcomes[why.empty() ? "read" : died ? "died" : "refused"];
      std::filesystem::remove(path);
    }
    for (const auto& [what, count] : outcomes) CAF_MESSAGE(what << ": " << count);
  }
  const auto s = only_scene(pool, files->hdf4);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(read_all(*s), "");
}

CAF_TEST(a truncated file is refused with its name) {
  const auto files = sample_files();
  if (!files) return;
  scratch_directory directory;
  reader_pool pool;
  const auto good = file_bytes(files->netcdf);
  for (const size_t part : {2u, 3u, 5u, 10u}) {
    const auto path = directory / "cut.nc";
    write_file(path, good.substr(0, good.size() - good.size() / part));
    const auto scenes = open_scenes("auto", path, known(), pool);
    const auto why = scenes ? read_all(*scenes->front()) : to_string(scenes.error());
    CAF_CHECK(has(why, path));
    // What the file may have done to the process is nobody else's.
    CAF_CHECK(pool.processes().empty());
  }
  // One that is just not said enough about does no harm.
  CAF_CHECK(!open_scenes("auto", files->netcdf, {}, pool));
  CAF_CHECK_EQUAL(pool.processes().size(), 1u);
}

CAF_TEST(a file that changes is not mixed with what it was) {
  const auto files = sample_files();
  if (!files) return;
  scratch_directory directory;
  const auto path = directory / "a.nc";
  std::filesystem::copy_file(files->netcdf, path);
  reader_pool pool;
  const auto s = only_scene(pool, path, known());
  CAF_REQUIRE(s != nullptr);
  // Another process must open it anew.
  for (const auto pid : pool.processes()) ::kill(pid, SIGKILL);
  CAF_CHECK(!whole(*s, 0));
  auto bytes = file_bytes(path);
  bytes.back() = char(bytes.back() + 1);
  std::filesystem::remove(path);
  write_file(path, bytes);
  const auto changed = whole(*s, 0);
  CAF_REQUIRE(!changed);
  CAF_CHECK(has(to_string(changed.error()), "has changed"));
}

CAF_TEST(a process inherits nothing and none is left behind) {
  const auto files = sample_files();
  if (!files) return;
  std::vector<pid_t> pids;
  {
    reader_pool pool;
    const auto s = only_scene(pool, files->netcdf, known());
    CAF_REQUIRE(s != nullptr);
    pids = pool.processes();
    CAF_REQUIRE_EQUAL(pids.size(), 1u);
    std::error_code denied;
    for (const auto& entry : std::filesystem::directory_iterator(
             "/proc/" + std::to_string(pids.front()) + "/fd", denied)) {
      const auto to = std::filesystem::read_symlink(entry.path(), denied).string();
      CAF_MESSAGE(to);
      CAF_CHECK(to == "/dev/null" || to.starts_with("socket:") || has(to, "memfd:stip-reader") ||
                to == files->netcdf || to.ends_with("proj.db"));
    }
  }
  CAF_CHECK(!is_there(pids.front()));
}

CAF_TEST(processes that nobody asks end) {
  const auto files = sample_files();
  if (!files) return;
  reader_settings settings;
  settings.idle_limit = 50ms;
  reader_pool pool(settings);
  const auto s = only_scene(pool, files->netcdf, known());
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK(comes([&] { return pool.processes().empty(); }));
  CAF_CHECK(whole(*s, 0).has_value());
}

CAF_TEST(processes die with a node that is killed) {
  const auto files = sample_files();
  if (!files) return;
  std::array<int, 2> pipe{};
  CAF_REQUIRE_EQUAL(::pipe(pipe.data()), 0);
  const pid_t node = ::fork();
  if (node == 0) {
    reader_pool pool;
    const auto scenes = open_scenes("auto", files->netcdf, known(), pool);
    const auto pids = pool.processes();
    const pid_t pid = scenes && pids.size() == 1 ? pids.front() : 0;
    // One that cannot see that its node is gone.
    if (pid > 0) ::kill(pid, SIGSTOP);
    if (::write(pipe[1], &pid, sizeof(pid)) > 0) ::pause();
    ::_exit(1);
  }
  CAF_REQUIRE(node > 0);
  pid_t reader = 0;
  CAF_REQUIRE_EQUAL(::read(pipe[0], &reader, sizeof(reader)), ssize_t(sizeof(reader)));
  ::close(pipe[0]);
  ::close(pipe[1]);
  CAF_CHECK(reader > 0 && is_there(reader));
  ::kill(node, SIGKILL);
  int status = 0;
  ::waitpid(node, &status, 0);
  CAF_CHECK(comes([&] {
    // A zombie waits for init, where there is one.
    const auto stat = file_bytes("/proc/" + std::to_string(reader) + "/stat");
    return stat.empty() || has(stat, ") Z ");
  }));
}

CAF_TEST(messages come back as they were and damaged ones are refused) {
  constexpr uint64_t seed = 815;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  opened_scene scene;
  auto& d = scene.description;
  d.format = "modis";
  d.platform = "MOD13A2";
  d.tile = "MOD13A2.A2016145";
  d.timestamp = -5;
  d.start = 17;
  d.properties = {{"a", "b"}, {"c", ""}};
  d.footprint = "MULTIPOLYGON EMPTY";
  d.input = "/data/ä b.hdf";
  d.input_bytes = 1'000'000'000'000;
  d.input_checksum = {3, 4};
  subdataset_description part;
  part.id = "0";
  part.grid = {"EPSG:4326", {1, 2, 0, 3, 0, -4.5}, 100, 200};
  part.type = pixel_type::int8;
  part.valid = validity::band_masks;
  part.quality = true;
  band_description band;
  band.name = "1 km 16 days NDVI";
  band.scale = 1e-4;
  band.offset = -0.1;
  band.unit = "K";
  band.nodata = 255;
  band.colour = "Gray";
  band.colour_table = {"1,2,3,4"};
  band.categories = {"water", ""};
  band.properties = {{"x", "y"}};
  part.bands = {band, {}};
  d.subdatasets = {part, part};
  d.subdatasets[1].type = pixel_type::float64;
  scene.tilings = {{64, 32, false}, {1, 200, true}};

  const auto bytes = encode(reader_answer(scene));
  const auto back = decode_reader_answer(bytes);
  CAF_REQUIRE(back);
  const auto* same = std::get_if<opened_scene>(&*back);
  CAF_REQUIRE(same != nullptr);
  CAF_CHECK(same->description == d);
  CAF_REQUIRE_EQUAL(same->tilings.size(), 2u);
  CAF_CHECK_EQUAL(same->tilings[0].block_height, 32);
  CAF_CHECK(!same->tilings[0].bands_together && same->tilings[1].bands_together);

  open_request open{"auto", "/a", known(), false};
  open.options.tile = "t";
  const auto asked = decode_reader_request(encode(reader_request(open)));
  CAF_REQUIRE(asked);
  CAF_CHECK(std::get<open_request>(*asked) == open);

  for (size_t cut = 0; cut < bytes.size(); ++cut)
    CAF_CHECK(!decode_reader_answer(std::string_view(bytes).substr(0, cut)));
  const auto request = encode(reader_request(read_request{1, 2, {3, 4, 5, 6}, 7, 8, true}));
  for (int i = 0; i < 20'000; ++i) {
    auto broken = i % 2 == 0 ? bytes : request;
    for (uint64_t k = 0; k < 1 + random() % 4; ++k)
      broken[random() % broken.size()] = char(random());
    // Whatever comes out, it must hold together.
    const auto decoded = decode_reader_answer(broken);
    if (decoded)
      if (const auto* one = std::get_if<opened_scene>(&*decoded)) {
        CAF_REQUIRE_EQUAL(one->tilings.size(), one->description.subdatasets.size());
        for (const auto& s : one->description.subdatasets) CAF_REQUIRE(check_grid(s.grid));
      }
    (void)decode_reader_request(broken);
  }
}
