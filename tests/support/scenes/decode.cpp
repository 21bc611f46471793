#include "tests/support/scenes/decode.hpp"

#include <gdal_priv.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"

namespace stip::scenes {

namespace {

/// One file or subdataset: layers of one size and type.
struct source {
  std::string name;
  const layer* first = nullptr;
  int bands = 0;
  /// Of an array with days: its name within the file.
  std::string array;
  int64_t block_width = 0, block_height = 0, block_depth = 1;

  int64_t across() const { return (first->width + block_width - 1) / block_width; }
  int64_t down() const { return (first->height + block_height - 1) / block_height; }
  int64_t deep() const { return (bands + block_depth - 1) / block_depth; }
};

/// A block of a source.
struct piece {
  size_t source = 0;
  int64_t index = 0;
};

result<std::vector<source>> sources_of(const product& p, share part) {
  std::vector<source> all;
  for (const auto& l : p.layers) {
    if (!p.native(l)) continue;
    if (all.empty() || all.back().name != l.gdal_name) all.push_back({l.gdal_name, &l, 0, {}});
    ++all.back().bands;
  }
  std::vector<source> chosen;
  for (size_t i = 0; i < all.size(); ++i)
    if (i % part.count == part.index || all.size() < part.count) chosen.push_back(all[i]);
  const gdal_errors errors;
  for (auto& s : chosen) {
    if (s.name.starts_with("NETCDF:")) {
      const auto colon = s.name.rfind(':');
      s.array = s.name.substr(colon + 1);
      s.name = s.name.substr(8, colon - 9);
      const std::unique_ptr<GDALDataset> file(
          GDALDataset::Open(s.name.c_str(), GDAL_OF_MULTIDIM_RASTER));
      const auto array = file ? file->GetRootGroup()->OpenMDArray(s.array) : nullptr;
      if (!array) return fail(ec::io_error, "open " + s.name, errors.text());
      const auto block = array->GetBlockSize();
      s.block_depth = std::max<int64_t>(1, int64_t(block[0]));
      s.block_height = std::max<int64_t>(1, int64_t(block[1]));
      s.block_width = std::max<int64_t>(1, int64_t(block[2]));
      continue;
    }
    const std::unique_ptr<GDALDataset> file(GDALDataset::Open(s.name.c_str()));
    if (!file) return fail(ec::io_error, "open " + s.name, errors.text());
    int width = 0, height = 0;
    file->GetRasterBand(1)->GetBlockSize(&width, &height);
    s.block_width = width;
    s.block_height = height;
    s.block_depth = s.bands;
  }
  return chosen;
}

/// What a thread has open.
class reader {
 public:
  result<uint64_t> read(const source& s, int64_t index) {
    const gdal_errors errors;
    if (opened_ != &s) {
      array_.reset();
      file_.reset(GDALDataset::Open(s.name.c_str(),
                                    s.array.empty() ? GDAL_OF_RASTER : GDAL_OF_MULTIDIM_RASTER));
      if (file_ && !s.array.empty()) array_ = file_->GetRootGroup()->OpenMDArray(s.array);
      opened_ = &s;
    }
    if (!file_ || (!s.array.empty() && !array_))
      return fail(ec::io_error, "open " + s.name, errors.text());
    const auto x = index % s.across() * s.block_width;
    const auto y = index / s.across() % s.down() * s.block_height;
    const auto z = index / s.across() / s.down() * s.block_depth;
    const auto width = std::min(s.block_width, s.first->width - x);
    const auto height = std::min(s.block_height, s.first->height - y);
    const auto depth = std::min<int64_t>(s.block_depth, s.bands - z);
    pixels_.resize(size_t(width * height * depth) * size_of(s.first->type));
    bool good = false;
    if (array_) {
      const GUInt64 start[3] = {GUInt64(z), GUInt64(y), GUInt64(x)};
      const size_t count[3] = {size_t(depth), size_t(height), size_t(width)};
      good = array_->Read(start, count, nullptr, nullptr,
                          GDALExtendedDataType::Create(gdal_type(s.first->type)), pixels_.data());
    } else {
      good = file_->RasterIO(GF_Read, int(x), int(y), int(width), int(height), pixels_.data(),
                             int(width), int(height), gdal_type(s.first->type), int(depth), nullptr,
                             0, 0, 0, nullptr) == CE_None;
    }
    if (!good) return fail(ec::io_error, "read " + s.name, errors.text());
    return pixels_.size();
  }

 private:
  const source* opened_ = nullptr;
  std::unique_ptr<GDALDataset> file_;
  std::shared_ptr<GDALMDArray> array_;
  std::vector<std::byte> pixels_;
};

}  // namespace

result<uint64_t> decode(const product& p, size_t threads, share part) {
  STIP_ASSIGN(const auto sources, sources_of(p, part));
  std::vector<piece> pieces;
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto& s = sources[i];
    const auto blocks = s.across() * s.down() * s.deep();
    // A single array is shared by blocks.
    const bool split = sources.size() < part.count;
    for (int64_t k = 0; k < blocks; ++k)
      if (!split || size_t(k) % part.count == part.index) pieces.push_back({i, k});
  }
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> bytes{0};
  STIP_TRY(in_parallel(threads, threads, [&](size_t) -> result<void> {
    reader own;
    for (auto i = next++; i < pieces.size(); i = next++) {
      STIP_ASSIGN(const auto read, own.read(sources[pieces[i].source], pieces[i].index));
      bytes += read;
    }
    return {};
  }));
  return bytes.load();
}

}  // namespace stip::scenes
