#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "tests/bench/bench_node.hpp"
#include "tests/bench/decoder_process.hpp"
#include "tests/bench/harness.hpp"
#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/scenes/make_apart.hpp"

// Storing products of each family, against only decoding them with GDAL by as many threads; and how
// busy the processors are with many small scenes and with one big one.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr size_t threads = 2;
constexpr std::chrono::milliseconds sample_period{100};

struct kind {
  const char* family;
  /// The edge of the finest grid, in pixels, and days of gridMET.
  int64_t size;
  int days;
  /// Products in one load.
  uint64_t count;
  int precision;
  /// The share of decoding's throughput that storing shall reach; 0: none is promised.
  double goal;
  /// The library takes one thread at a time: decoding in several processes is the better rival.
  bool isolated;
};

constexpr kind kinds[] = {
    {"sentinel2-l1c", 2748, 0, 1, 5, 0.9, false},
    {"sentinel2-l2a", 2748, 0, 1, 5, 0.9, false},
    {"landsat-l1tp", 6000, 0, 5, 5, 0.65, false},
    {"landsat-l2sp", 3000, 0, 5, 5, 0.65, false},
    {"mcd43a4", 2400, 0, 4, 3, 0.8, true},
    {"mod11a1", 1200, 0, 8, 3, 0.8, true},
    {"mod09ga", 2400, 0, 3, 3, 0.8, true},
    {"vnp21", 1200, 0, 24, 3, 0.8, true},
    {"vnp09", 2400, 0, 6, 3, 0.8, true},
    {"gridmet", 0, 122, 1, 2, 0.8, true},
    {"naip", 6000, 0, 1, 7, 0, false},
    {"nlcd", 12000, 0, 1, 4, 0, false},
};

/// What the command line says.
struct wishes {
  std::vector<std::string> families;
  double scale = 1;
  uint64_t small = 200;
  double big_megabytes = 400;
  bool throughput = true, busy = true;
};

wishes read_wishes(const options& given) {
  wishes w;
  for (const auto& word : given.arguments) {
    const auto equals = word.find('=');
    const auto key = word.substr(0, equals);
    const auto number = equals == word.npos ? 0 : std::atof(word.c_str() + equals + 1);
    if (equals == word.npos && word == "throughput")
      w.busy = false;
    else if (equals == word.npos && word == "busy")
      w.throughput = false;
    else if (equals == word.npos)
      w.families.push_back(word);
    else if (key == "scale" && number > 0)
      w.scale = number;
    else if (key == "small")
      w.small = static_cast<uint64_t>(number);
    else if (key == "big")
      w.big_megabytes = number;
    else
      give_up("there is no option " + word + "; use scale=, small=, big=, throughput, busy");
  }
  return w;
}

bool wanted(const wishes& w, const std::string& family) {
  return w.families.empty() ||
         std::find(w.families.begin(), w.families.end(), family) != w.families.end();
}

std::string data_folder(const scenes::recipe& r) {
  std::filesystem::path base = std::filesystem::temp_directory_path();
  if (const auto* chosen = std::getenv("STIP_BENCH_DATA")) base = chosen;
  return base / "scenes" / scenes::text("%s-%lld-%d", r.family.c_str(), (long long)r.size, r.days);
}

/// Bytes of pixels that stip reads of a product.
uint64_t stored_bytes(const scenes::product& p) {
  reader_pool readers;
  uint64_t sum = 0;
  for (const auto& scene : value_or_give_up(open_scenes(p.format, p.path, {}, readers)))
    for (const auto& d : scene->description().subdatasets)
      sum += uint64_t(d.grid.width) * uint64_t(d.grid.height) * d.bands.size() * size_of(d.type);
  return sum;
}

/// Products of one recipe and the seeds after its own, made when they are missing, and a folder of
/// links to just these.
struct scene_set {
  scenes::recipe first;
  std::vector<scenes::product> products;
  std::unique_ptr<test::scratch_directory> links;
  std::string glob, format;

  double megabytes = 0;
};

/// nullopt when no format of stip reads them yet.
std::optional<scene_set> make_set(const scenes::recipe& first, uint64_t count) {
  scene_set out;
  out.first = first;
  auto r = first;
  uint64_t missing = 0;
  for (uint64_t i = 0; i < count; ++i, ++r.seed) {
    auto p = value_or_give_up(scenes::plan(r, data_folder(r)));
    if (!find_format(p.format)) {
      std::printf("\nleft out: %s, since stip has no format %s\n", r.family.c_str(),
                  p.format.c_str());
      return std::nullopt;
    }
    if (!std::filesystem::exists(p.path)) {
      if (missing++ == 0) {
        std::printf("making what is missing in %s\n", data_folder(r).c_str());
        std::fflush(stdout);
      }
      value_or_give_up(scenes::make_apart(r, data_folder(r)));
    }
    out.products.push_back(std::move(p));
  }
  out.links = std::make_unique<test::scratch_directory>();
  for (const auto& p : out.products) {
    const std::filesystem::path from = std::filesystem::absolute(p.path);
    std::filesystem::create_symlink(from, *out.links / from.filename().string());
  }
  out.format = out.products.front().format;
  out.glob =
      *out.links / ("*" + std::filesystem::path(out.products.front().path).extension().string());
  // Scenes of one recipe are alike.
  out.megabytes = double(stored_bytes(out.products.front())) * 1e-6 * double(count);
  return out;
}

store_request request_of(const std::string& glob, const std::string& format, int precision) {
  store_request request;
  request.album = "bench";
  request.glob = glob;
  request.format = format;
  request.precision = precision;
  request.threads = threads;
  return request;
}

void fresh_album(bench_node& node) {
  node.remove_album("bench");
  node.create_album("bench");
  sync();
}

/// Watches a node, readers included, from now until stop().
class busy_meter {
 public:
  explicit busy_meter(const bench_node& node)
      : node_(node), cpu_(node.cpu_seconds()), thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            peak_ = std::max(peak_, own_bytes_of_tree(node_.pid()));
            wanted_ += std::min(runnable_threads_of_tree(node_.pid()), threads);
            ++samples_;
            // What is measured must not wait for the rest of a period.
            std::unique_lock lock{mutex_};
            ended_.wait_for(lock, stop, sample_period, [] { return false; });
          }
        }) {}

  void stop() {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun_;
    cpu_s = node_.cpu_seconds() - cpu_;
    thread_.request_stop();
    thread_.join();
    wall_s = wall.count();
    share = cpu_s / (wall_s * double(threads));
    const auto wanted = samples_ == 0 ? 0 : double(wanted_) / double(samples_ * threads);
    alone = cpu_s / (cpu_s + wall_s * double(threads) * (1 - wanted));
    peak_megabytes = double(peak_) * 1e-6;
  }

  double wall_s = 0, cpu_s = 0, peak_megabytes = 0;
  /// Of two processors' time.
  double share = 0;
  /// What it would have been with nothing else on the machine: processors that no thread of the
  /// node wanted are idle then too, and the others work as long as they did.
  double alone = 0;

 private:
  const bench_node& node_;
  double cpu_;
  uint64_t peak_ = 0;
  size_t wanted_ = 0, samples_ = 0;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  /// The last member: it uses the others.
  std::jthread thread_;
};

// -- throughput -----------------------------------------------------------------

/// So many processes with so many threads each.
void add_decoder(comparison& c, const std::string& name, const scene_set& set, size_t processes,
                 size_t threads_each) {
  auto running = std::make_shared<std::vector<std::unique_ptr<decoder_process>>>();
  c.add(
      name,
      [running] {
        for (auto& each : *running) each->go();
        uint64_t bytes = 0;
        for (auto& each : *running) bytes += each->wait();
        running->clear();
        return work{double(bytes) * 1e-6, 0};
      },
      [running, &set, processes, threads_each] {
        for (size_t i = 0; i < processes; ++i) {
          auto each = set.first;
          each.threads = threads_each;
          auto words = scenes::words_of(each, data_folder(each));
          words.push_back("--count=" + std::to_string(set.products.size()));
          words.push_back("--part=" + std::to_string(i));
          words.push_back("--parts=" + std::to_string(processes));
          running->push_back(std::make_unique<decoder_process>(words));
        }
      });
}

void compare_with_decoding(const kind& k, const wishes& w, const options& given, bench_node& node) {
  scenes::recipe r;
  r.family = k.family;
  r.size = static_cast<int64_t>(double(k.size) * w.scale);
  r.days = static_cast<int>(double(k.days) * w.scale);
  const auto set = make_set(r, k.count);
  if (!set) return;
  const auto megabytes = set->megabytes;
  comparison c{scenes::text("storing %llu of %s, %.0f MB of pixels", (unsigned long long)k.count,
                            k.family, megabytes),
               "MB", given};
  std::vector<double> alone;
  const std::string by_threads = "GDAL decodes, 2 threads", by_processes = "GDAL, 2 processes",
                    stored = "stip stores, 2 threads";
  add_decoder(c, by_threads, *set, 1, threads);
  if (k.isolated) add_decoder(c, by_processes, *set, threads, 1);
  c.add(
      stored,
      [&] {
        busy_meter meter{node};
        node.store(request_of(set->glob, set->format, k.precision));
        meter.stop();
        alone.push_back(meter.alone);
        return work{megabytes, meter.cpu_s};
      },
      [&] { fresh_album(node); });
  c.run();
  if (const auto& decoded = c.of(by_threads).front().amount;
      std::abs(decoded - megabytes) > 0.001 * megabytes)
    std::printf("  note: decoding reads %.1f MB, storing %.1f MB\n", decoded, megabytes);
  if (k.goal > 0)
    c.ratio(stored, by_threads, goal::at_least, k.goal);
  else
    c.ratio(stored, by_threads);
  // As many threads are the goal's rival; as many processes show what the machine could do.
  if (k.isolated) c.ratio(stored, by_processes);
  // What other programs on the machine do changes this less than the rates.
  std::vector<double> costs;
  for (size_t i = 0; i < c.of(stored).size(); ++i)
    costs.push_back(c.of(by_threads)[i].cpu_s / c.of(stored)[i].cpu_s);
  report("CPU seconds of decoding, of those of storing", median(costs), "");
  report("busy share of 2 cores if the node were alone", median(alone), "");
}

// -- how busy the processors are ------------------------------------------------

void measure_busy(const std::string& what, const scene_set& set, int precision, size_t rounds,
                  bench_node& node) {
  const auto megabytes = set.megabytes;
  const auto request = request_of(set.glob, set.format, precision);
  std::printf("\n%s, %.0f MB of pixels\n", what.c_str(), megabytes);
  std::vector<double> shares, alone, peaks;
  for (size_t round = 0; round < rounds; ++round) {
    fresh_album(node);
    busy_meter meter{node};
    node.store(request);
    meter.stop();
    shares.push_back(meter.share);
    alone.push_back(meter.alone);
    peaks.push_back(meter.peak_megabytes);
    std::printf("  round %zu: %.3f busy, %.3f if alone, %.1f MB/s, at most %.0f MB\n", round + 1,
                meter.share, meter.alone, megabytes / meter.wall_s, meter.peak_megabytes);
  }
  report("busy share of 2 cores", median(shares), "", goal::at_least, 0.9);
  report("busy share if the node were alone", median(alone), "", goal::at_least, 0.9);
  report("memory of node and readers", *std::max_element(peaks.begin(), peaks.end()), "MB");
}

/// The precision that the throughput table has.
const kind& kind_of(const std::string& family) {
  return *std::find_if(std::begin(kinds), std::end(kinds),
                       [&](const kind& k) { return k.family == family; });
}

void many_small(const std::string& family, int64_t size, const wishes& w, size_t rounds,
                bench_node& node) {
  scenes::recipe r;
  r.family = family;
  r.size = size;
  if (w.small == 0) return;
  if (const auto set = make_set(r, w.small))
    measure_busy(
        scenes::text("%llu small scenes of %s", (unsigned long long)w.small, family.c_str()), *set,
        kind_of(family).precision, rounds, node);
}

void one_big(const std::string& family, const wishes& w, size_t rounds, bench_node& node) {
  if (w.big_megabytes <= 0) return;
  scenes::recipe r;
  r.family = family;
  // Bytes grow with the area.
  r.size = 600;
  const auto small = value_or_give_up(scenes::plan(r, "."));
  r.size = static_cast<int64_t>(600 * std::sqrt(w.big_megabytes * 1e6 / double(small.bytes())));
  if (const auto set = make_set(r, 1))
    measure_busy("one big scene of " + family, *set, kind_of(family).precision, rounds, node);
}

}  // namespace

STIP_BENCH(formats, "storing products of each family, against decoding them; how busy cores are") {
  const auto w = read_wishes(options);
  for (const auto& family : w.families)
    if (std::none_of(std::begin(kinds), std::end(kinds),
                     [&](const kind& k) { return k.family == family; }))
      give_up("there is no family " + family + "; see stip-scenes families");
  bench_node node{threads};
  if (w.throughput)
    for (const auto& k : kinds)
      if (wanted(w, k.family)) compare_with_decoding(k, w, options, node);
  if (!w.busy) return;
  const auto rounds = std::min<size_t>(options.rounds, 3);
  for (const auto& [family, size] :
       {std::pair{"sentinel2-l1c", 480}, {"landsat-l2sp", 600}, {"mcd43a4", 400}}) {
    if (!wanted(w, family)) continue;
    many_small(family, size, w, rounds, node);
    if (std::string(family) != "mcd43a4") one_big(family, w, rounds, node);
  }
}
