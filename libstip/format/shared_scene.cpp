#include "libstip/format/shared_scene.hpp"

#include <mutex>
#include <utility>

namespace stip {

namespace {

/// All scenes as one, whose subdatasets are theirs one after the other, and its idle readers.
class shared_source {
 public:
  explicit shared_source(std::unique_ptr<scene> all) : all_(std::move(all)) {}

  const scene& all() const { return *all_; }

  result<std::unique_ptr<scene_reader>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto out = std::move(idle_.back());
        idle_.pop_back();
        return out;
      }
    }
    return all_->open_reader();
  }

  void give_back(std::unique_ptr<scene_reader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
  }

 private:
  std::unique_ptr<scene> all_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<scene_reader>> idle_;
};

class part_reader final : public scene_reader {
 public:
  part_reader(std::shared_ptr<shared_source> source, std::unique_ptr<scene_reader> reader,
              size_t first, size_t count)
      : source_(std::move(source)), reader_(std::move(reader)), first_(first), count_(count) {}
  ~part_reader() override { source_->give_back(std::move(reader_)); }

  result<void> read(size_t subdataset, const source_window& window, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    if (subdataset >= count_) return no_such_subdataset();
    return reader_->read(first_ + subdataset, window, first_band, count, pixels);
  }

  result<void> read_mask(size_t subdataset, const source_window& window, size_t first_band,
                         size_t count, std::span<std::byte> mask) override {
    if (subdataset >= count_) return no_such_subdataset();
    return reader_->read_mask(first_ + subdataset, window, first_band, count, mask);
  }

 private:
  static tl::unexpected<error> no_such_subdataset() {
    return fail(ec::invalid_argument, "read a scene", "there is no such subdataset");
  }

  const std::shared_ptr<shared_source> source_;
  std::unique_ptr<scene_reader> reader_;
  const size_t first_, count_;
};

class part_scene final : public scene {
 public:
  part_scene(scene_description description, std::shared_ptr<shared_source> source, size_t first)
      : description_(std::move(description)), source_(std::move(source)), first_(first) {}

  const scene_description& description() const override { return description_; }

  source_tiling tiling(size_t subdataset) const override {
    return source_->all().tiling(first_ + subdataset);
  }

  result<std::unique_ptr<scene_reader>> open_reader() const override {
    STIP_ASSIGN(auto reader, source_->take());
    return std::make_unique<part_reader>(source_, std::move(reader), first_,
                                         description_.subdatasets.size());
  }

 private:
  const scene_description description_;
  const std::shared_ptr<shared_source> source_;
  const size_t first_;
};

}  // namespace

result<std::vector<std::unique_ptr<scene>>> make_shared_scenes(std::vector<std::string> datasets,
                                                               std::vector<scene_part> parts) {
  if (parts.empty()) return fail(ec::internal, "open a file", "it has no scenes");
  gdal_scene_parts all;
  all.description.input = parts.front().description.input;
  all.datasets = std::move(datasets);
  for (auto& part : parts) {
    auto& every = all.description.subdatasets;
    every.insert(every.end(), part.description.subdatasets.begin(),
                 part.description.subdatasets.end());
    all.sources.insert(all.sources.end(), part.sources.begin(), part.sources.end());
  }
  STIP_ASSIGN(auto made, make_gdal_scene(std::move(all)));
  const auto source = std::make_shared<shared_source>(std::move(made));
  std::vector<std::unique_ptr<scene>> out;
  size_t first = 0;
  for (auto& part : parts) {
    const auto count = part.description.subdatasets.size();
    out.push_back(std::make_unique<part_scene>(std::move(part.description), source, first));
    first += count;
  }
  return out;
}

}  // namespace stip
