#include "libstip/format/renamed_scene.hpp"

#include <utility>

namespace stip {

namespace {

class renamed_scene final : public scene {
 public:
  renamed_scene(std::unique_ptr<scene> source, const std::string& name)
      : source_(std::move(source)), description_(source_->description()) {
    description_.input = name;
  }

  const scene_description& description() const override { return description_; }
  source_tiling tiling(size_t subdataset) const override { return source_->tiling(subdataset); }
  result<std::unique_ptr<scene_reader>> open_reader() const override {
    return source_->open_reader();
  }

 private:
  std::unique_ptr<scene> source_;
  scene_description description_;
};

}  // namespace

std::unique_ptr<scene> rename_input(std::unique_ptr<scene> source, const std::string& name) {
  return std::make_unique<renamed_scene>(std::move(source), name);
}

}  // namespace stip
