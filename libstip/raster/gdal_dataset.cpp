#include "libstip/raster/gdal_dataset.hpp"

#include <cpl_conv.h>
#include <cpl_error.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

// The libraries below these drivers keep process-wide state: two threads in them at a time, even on
// two files, corrupt it. A process-wide mutex is therefore unavoidable where they are allowed.
constexpr std::array<std::string_view, 6> serial_drivers = {"netCDF", "HDF5", "HDF5Image",
                                                            "BAG",    "KEA",  "GMT"};

constexpr std::array<std::string_view, 2> fatal_drivers = {"HDF4", "HDF4Image"};

std::atomic<gdal_role> chosen_role{gdal_role::node};

// What these open is named inside of the input: other files, services, addresses in this process. A
// node that reads only under its input-roots cannot let a file choose.
constexpr std::array<std::string_view, 17> following_drivers = {
    "VRT",    "DERIVED",  "MEM",      "MRF",           "WCS",   "WMS",
    "WMTS",   "HTTP",     "OGCAPI",   "DAAS",          "EEDAI", "STACTA",
    "STACIT", "PLSCENES", "PLMOSAIC", "PostGISRaster", "NGW"};

/// GDAL's name of the option whether notes are left beside compressed files.
constexpr const char* write_notes = "CPL_VSIL_GZIP_WRITE_PROPERTIES";

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::recursive_mutex& serial_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

/// The short names of drivers, in the form that GDALOpenEx takes.
struct driver_list {
  std::vector<std::string> names;
  std::vector<const char*> pointers;

  void finish() {
    for (const auto& name : names) pointers.push_back(name.c_str());
    pointers.push_back(nullptr);
  }
};

struct driver_lists {
  driver_list parallel;
  driver_list serial;
};

const driver_lists& drivers() {
  prepare_gdal();
  static const driver_lists lists = [] {
    driver_lists out;
    for (int i = 0; i < GDALGetDriverCount(); ++i) {
      const auto driver = GDALGetDriver(i);
      const std::string name = GDALGetDriverShortName(driver);
      const auto* raster = GDALGetMetadataItem(driver, GDAL_DCAP_RASTER, nullptr);
      if (raster == nullptr || contains(following_drivers, name)) continue;
      const bool serial = contains(serial_drivers, name) || contains(fatal_drivers, name);
      // Somebody else in the process may have registered them again.
      if (serial && gdal_role_here() != gdal_role::reader) continue;
      (serial ? out.serial : out.parallel).names.push_back(name);
    }
    out.parallel.finish();
    out.serial.finish();
    return out;
  }();
  return lists;
}

bool mentions_damage(std::string_view message) {
  // libjpeg, OpenJPEG and libtiff fill up what is missing and only warn.
  return message.find("orrupt") != std::string_view::npos ||
         message.find("remature end") != std::string_view::npos ||
         message.find("runcated") != std::string_view::npos;
}

}  // namespace

gdal_errors::gdal_errors() {
  CPLPushErrorHandlerEx([](CPLErr error_class, CPLErrorNum number,
                           const char* message) { take(error_class, number, message); },
                        this);
  CPLErrorReset();
}

gdal_errors::~gdal_errors() {
  CPLPopErrorHandler();
}

void gdal_errors::take(int error_class, int number, const char* message) noexcept {
  auto* self = static_cast<gdal_errors*>(CPLGetErrorHandlerUserData());
  if (self == nullptr || error_class < CE_Warning) return;
  try {
    const std::string_view words = message == nullptr ? "no message" : message;
    if (error_class == CE_Warning && mentions_damage(words)) self->damage_warned_ = true;
    if (number == CPLE_OutOfMemory) self->out_of_memory_ = true;
    auto& list = error_class == CE_Warning ? self->warnings_ : self->failures_;
    if (list.size() < defaults::max_gdal_messages)
      list.emplace_back(words.substr(0, defaults::max_gdal_message_bytes));
  } catch (...) {
    // GDAL's C frames are above us; an error less in the text is what is lost.
  }
}

std::string gdal_errors::text() const {
  std::string out;
  for (const auto& message : failures_.empty() ? warnings_ : failures_) {
    if (!out.empty()) out += ". ";
    out += message;
  }
  return out;
}

gdal_no_notes::gdal_no_notes() {
  if (const auto* set = CPLGetThreadLocalConfigOption(write_notes, nullptr)) before_ = set;
  CPLSetThreadLocalConfigOption(write_notes, "NO");
}

gdal_no_notes::~gdal_no_notes() {
  CPLSetThreadLocalConfigOption(write_notes, before_ ? before_->c_str() : nullptr);
}

void prepare_gdal(gdal_role role) {
  static std::once_flag once;
  std::call_once(once, [role] {
    GDALAllRegister();
    chosen_role = role;
    if (role == gdal_role::reader) return;
    // An allowed-driver list alone does not keep them away: GDAL opens masks and overviews beside a
    // file with every driver that it has.
    const auto remove = [](std::string_view name) {
      if (auto* driver = GDALGetDriverByName(std::string(name).c_str())) {
        GDALDeregisterDriver(driver);
        GDALDestroyDriver(driver);
      }
    };
    std::for_each(fatal_drivers.begin(), fatal_drivers.end(), remove);
    std::for_each(serial_drivers.begin(), serial_drivers.end(), remove);
  });
}

gdal_role gdal_role_here() noexcept {
  return chosen_role;
}

gdal_dataset& gdal_dataset::operator=(gdal_dataset&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, nullptr);
    serial_ = other.serial_;
  }
  return *this;
}

std::unique_lock<std::recursive_mutex> gdal_dataset::lock() const {
  if (!serial_) return {};
  return std::unique_lock(serial_mutex());
}

std::string gdal_dataset::driver() const {
  const auto driver = GDALGetDatasetDriver(handle_);
  return driver == nullptr ? std::string() : std::string(GDALGetDriverShortName(driver));
}

std::string gdal_dataset::close() noexcept {
  if (handle_ == nullptr) return {};
  const auto held = lock();
  const gdal_errors errors;
  GDALClose(std::exchange(handle_, nullptr));
  return errors.failed() ? errors.text() : std::string();
}

result<gdal_dataset> open_gdal(const std::string& name) {
  const auto& lists = drivers();
  const gdal_errors errors;
  const gdal_no_notes nothing_written;
  // These drivers identify by name and first bytes alone, so asking needs no lock.
  const bool serial = GDALIdentifyDriverEx(name.c_str(), GDAL_OF_RASTER,
                                           lists.serial.pointers.data(), nullptr) != nullptr;
  const auto held =
      serial ? std::unique_lock(serial_mutex()) : std::unique_lock<std::recursive_mutex>();
  const auto& allowed = serial ? lists.serial : lists.parallel;
  auto* handle = GDALOpenEx(name.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY,
                            allowed.pointers.data(), nullptr, nullptr);
  if (handle != nullptr) return gdal_dataset(handle, serial);
  const auto what = "open " + name;
  auto why = errors.text();
  if (errors.out_of_memory()) return fail(ec::limit_exceeded, what, std::move(why));
  if (why.empty())
    return fail(ec::unsupported, what, "it is no raster that can be read here",
                "give a GeoTIFF or another raster file that GDAL knows");
  return fail(ec::malformed, what, std::move(why), "fetch the file again, it seems to be damaged");
}

std::string identify_gdal(const std::string& name) {
  const auto& lists = drivers();
  const gdal_errors quiet;
  for (const auto* list : {&lists.serial, &lists.parallel})
    if (const auto driver =
            GDALIdentifyDriverEx(name.c_str(), GDAL_OF_RASTER, list->pointers.data(), nullptr))
      return GDALGetDriverShortName(driver);
  return {};
}

}  // namespace stip
