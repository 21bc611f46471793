#include "tests/support/scenes/product.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "libstip/geo/projection.hpp"
#include "tests/support/scenes/families.hpp"

namespace stip::scenes {

namespace {

constexpr int64_t largest_edge = 200000;

}  // namespace

uint64_t product::bytes() const {
  uint64_t sum = 0;
  for (const auto& l : layers)
    if (native(l)) sum += l.bytes();
  return sum;
}

result<const layer*> product::find(std::string_view name) const {
  for (const auto& l : layers)
    if (l.name == name) return &l;
  return fail(ec::not_found, "layer " + std::string(name), family + " has none of that name");
}

const std::vector<family>& families() {
  static const std::vector<family> all = {
      {"sentinel2-l1c", "Sentinel-2 L1C SAFE, zipped", 10980, plan_sentinel2_l1c},
      {"sentinel2-l2a", "Sentinel-2 L2A SAFE, zipped", 10980, plan_sentinel2_l2a},
      {"landsat-l1tp", "Landsat 8 Collection 2 Level 1, tar", 15500, plan_landsat_l1tp},
      {"landsat-l2sp", "Landsat 8 Collection 2 Level 2, tar", 7750, plan_landsat_l2sp},
      {"mcd43a4", "MODIS nadir reflectance, HDF4-EOS, 14 layers", 2400, plan_mcd43a4},
      {"mod11a1", "MODIS land temperature, HDF4-EOS, 12 layers", 1200, plan_mod11a1},
      {"mod09ga", "MODIS surface reflectance, HDF4-EOS, grids of 500 m and 1 km", 2400,
       plan_mod09ga},
      {"vnp21", "VIIRS land temperature, HDF-EOS5", 1200, plan_vnp21},
      {"vnp09", "VIIRS surface reflectance, HDF-EOS5, grids of 500 m and 1 km", 2400, plan_vnp09},
      {"gridmet", "gridMET, a year of days, NetCDF", 1386, plan_gridmet},
      {"naip", "NAIP, GeoTIFF in a zip", 10000, plan_naip},
      {"nlcd", "NLCD, HFA or GeoTIFF with colours and names", 20000, plan_nlcd},
  };
  return all;
}

result<product> plan(const recipe& r, const std::string& folder) {
  if (r.size < 0 || r.size > largest_edge)
    return fail(ec::invalid_argument, "make a scene",
                "its size is not within 0 and " + std::to_string(largest_edge));
  std::string names;
  for (const auto& f : families()) {
    if (f.name == r.family) return f.plan(r, folder);
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  }
  return fail(ec::not_found, "family '" + r.family + "'", "there is none of that name",
              "use one of " + names);
}

result<product> make(const recipe& r, const std::string& folder) {
  STIP_ASSIGN(auto planned, plan(r, folder));
  std::error_code failed;
  if (std::filesystem::exists(planned.path, failed)) return planned;
  const auto aside = folder + "/.making-" + std::to_string(getpid());
  std::filesystem::remove_all(aside, failed);
  std::filesystem::create_directories(aside, failed);
  if (failed) return fail(ec::io_error, "make the folder " + aside, failed.message());
  const auto name = std::filesystem::path(planned.path).filename().string();
  auto written = planned.write(aside + "/" + name);
  if (written) {
    std::filesystem::rename(aside + "/" + name, planned.path, failed);
    if (failed) written = fail(ec::io_error, "make " + planned.path, failed.message());
  }
  std::error_code ignored;
  std::filesystem::remove_all(aside, ignored);
  if (!written) return fail(written.error());
  return planned;
}

double number_at(pixel_type type, std::span<const std::byte> pixels, size_t index) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, pixels.data() + index * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  });
}

double value_at(const layer& l, int64_t row, int64_t column) {
  std::vector<std::byte> pixel(size_of(l.type));
  l.pixels({column, row, 1, 1}, pixel);
  return number_at(l.type, pixel, 0);
}

// -- for the families ------------------------------------------------------------

int64_t calendar_date::days() const {
  using namespace std::chrono;
  const year_month_day ymd{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                           std::chrono::day(unsigned(day))};
  return sys_days{ymd}.time_since_epoch().count();
}

calendar_date date_of_days(int64_t count) {
  using namespace std::chrono;
  const year_month_day ymd{sys_days{std::chrono::days{count}}};
  return {int(ymd.year()), int(unsigned(ymd.month())), int(unsigned(ymd.day()))};
}

int calendar_date::day_of_year() const {
  return static_cast<int>(days() - calendar_date{year, 1, 1}.days()) + 1;
}

std::string calendar_date::dashed() const {
  return text("%04d-%02d-%02d", year, month, day);
}

std::string calendar_date::compact() const {
  return text("%04d%02d%02d", year, month, day);
}

result<calendar_date> date_of(const recipe& r, calendar_date first) {
  if (r.date.empty())
    return date_of_days(first.days() + static_cast<int64_t>((r.seed + 3649) % 3650));
  calendar_date d;
  char more = 0;
  if (std::sscanf(r.date.c_str(), "%4d-%2d-%2d%c", &d.year, &d.month, &d.day, &more) != 3 ||
      date_of_days(d.days()).dashed() != d.dashed() || d.year < 1982)
    return fail(ec::invalid_argument, "date '" + r.date + "'", "it is no day like 2021-07-14");
  return d;
}

std::string text(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  std::string out(static_cast<size_t>(std::vsnprintf(nullptr, 0, format, arguments)), '\0');
  std::vsnprintf(out.data(), out.size() + 1, format, again);
  va_end(again);
  va_end(arguments);
  return out;
}

std::string fill_in(std::string_view form,
                    const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out;
  for (size_t at = 0; at < form.size();) {
    const auto begin = form.find('@', at);
    const auto end = begin == form.npos ? form.npos : form.find('@', begin + 1);
    out += form.substr(at, begin - at);
    if (end == form.npos) {
      if (begin != form.npos) out += form.substr(begin);
      break;
    }
    const auto name = form.substr(begin + 1, end - begin - 1);
    bool found = false;
    for (const auto& [key, value] : values)
      if (key == name) out += value, found = true;
    if (!found) out += form.substr(begin, end + 1 - begin);
    at = end + 1;
  }
  return out;
}

result<void> write_text(const std::string& path, const std::string& content) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) return fail(ec::io_error, "write " + path, "the system refused it");
  return {};
}

result<void> in_parallel(size_t count, size_t threads,
                         const std::function<result<void>(size_t)>& job) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  std::atomic<size_t> next{0};
  std::mutex lock;
  result<void> outcome;
  const auto work = [&] {
    for (auto i = next++; i < count; i = next++) {
      auto done = job(i);
      if (done) continue;
      const std::lock_guard held(lock);
      if (outcome) outcome = std::move(done);
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
    work();
  }
  return outcome;
}

result<std::array<std::array<double, 2>, 4>> corners_of(const std::string& crs, double left,
                                                        double top, double width, double height) {
  STIP_ASSIGN(auto to_degrees, coordinate_transform::make(crs, "EPSG:4326"));
  std::array<double, 4> x = {left, left + width, left + width, left};
  std::array<double, 4> y = {top, top, top - height, top - height};
  std::array<uint8_t, 4> ok{};
  to_degrees.forward(x, y, ok);
  std::array<std::array<double, 2>, 4> out;
  for (size_t i = 0; i < 4; ++i) out[i] = {x[i], y[i]};
  return out;
}

int64_t edge_of(const recipe& r, int64_t real, int64_t multiple) {
  const auto edge = r.size > 0 ? r.size : real;
  return (edge + multiple - 1) / multiple * multiple;
}

}  // namespace stip::scenes
