#include "libstip/format/local_copy.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/vsi_file.hpp"

namespace stip {

namespace {

bool write_all(int to, const char* bytes, size_t count) {
  while (count > 0) {
    const auto n = ::write(to, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    count -= static_cast<size_t>(n);
  }
  return true;
}

/// A reader that keeps the copy too.
class holding_scene final : public scene {
 public:
  holding_scene(std::shared_ptr<const local_copy> copy, std::unique_ptr<scene> source)
      : copy_(std::move(copy)), source_(std::move(source)) {}

  const scene_description& description() const override { return source_->description(); }
  source_tiling tiling(size_t subdataset) const override { return source_->tiling(subdataset); }
  result<std::unique_ptr<scene_reader>> open_reader() const override {
    return source_->open_reader();
  }

 private:
  // The scene goes before the copy.
  std::shared_ptr<const local_copy> copy_;
  std::unique_ptr<scene> source_;
};

}  // namespace

result<std::shared_ptr<const local_copy>> local_copy::of(const std::string& input) {
  std::shared_ptr<local_copy> out(new local_copy);
  out->name_ = input;
  if (!input.starts_with("/vsi")) return out;
  const auto what = "open " + input;
  const gdal_errors quiet;
  errno = 0;
  const vsi_file file(VSIFOpenL(input.c_str(), "rb"));
  if (!file) return fail(system_error(what, errno != 0 ? errno : ENOENT));
  out->memory_ = ::memfd_create("stip-input", MFD_CLOEXEC);
  if (out->memory_ < 0) return fail(system_error(what, errno));
  std::vector<char> buffer(defaults::checksum_buffer_bytes);
  for (uint64_t bytes = 0;;) {
    const size_t got = VSIFReadL(buffer.data(), 1, buffer.size(), file.get());
    bytes += got;
    if (bytes > max_local_copy_bytes)
      return fail(ec::limit_exceeded, what, "it is too large to be read where it is",
                  "unpack it or fetch it to a disk first");
    if (!write_all(out->memory_, buffer.data(), got)) return fail(system_error(what, errno));
    // Compressed files do not know that they are at their end before they were asked for more.
    if (got > 0) continue;
    if (VSIFEofL(file.get()) != 0) break;
    return fail(ec::io_error, what, quiet.text());
  }
  out->name_ = "/proc/self/fd/" + std::to_string(out->memory_);
  return out;
}

local_copy::~local_copy() {
  if (memory_ >= 0) ::close(memory_);
}

std::unique_ptr<scene> keep_copy(std::shared_ptr<const local_copy> copy,
                                 std::unique_ptr<scene> source) {
  return std::make_unique<holding_scene>(std::move(copy), std::move(source));
}

}  // namespace stip
