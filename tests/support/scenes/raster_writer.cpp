#include "tests/support/scenes/raster_writer.hpp"

#include <cpl_string.h>
#include <gdal_alg.h>
#include <gdal_priv.h>
#include <gdal_rat.h>
#include <ogr_spatialref.h>
#include <ogrsf_frmts.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"

namespace stip::scenes {

namespace {

/// Rows of a painted block when nothing else is wanted.
constexpr int strip_rows = 64;
/// Polygons of clouds that a mask may have at most; a real one has some thousands.
constexpr GIntBig most_polygons = 20000;

class painted_dataset;

class painted_band final : public GDALRasterBand {
 public:
  painted_band(painted_dataset& owner, int number, const layer& what, const raster_form& form);

  double GetNoDataValue(int* known) override {
    if (known != nullptr) *known = what_.nodata.has_value();
    return what_.nodata.value_or(0);
  }
  GDALColorTable* GetColorTable() override { return colours_.get(); }
  GDALColorInterp GetColorInterpretation() override { return interpretation_; }
  char** GetCategoryNames() override { return categories_.List(); }
  GDALRasterAttributeTable* GetDefaultRAT() override { return names_.get(); }

 protected:
  CPLErr IReadBlock(int across, int down, void* out) override {
    const window w{int64_t(across) * nBlockXSize, int64_t(down) * nBlockYSize,
                   std::min(nBlockXSize, nRasterXSize - across * nBlockXSize),
                   std::min(nBlockYSize, nRasterYSize - down * nBlockYSize)};
    const auto size = size_of(what_.type);
    if (w.width == nBlockXSize) {
      what_.pixels(w, {static_cast<std::byte*>(out), w.pixels() * size});
      return CE_None;
    }
    std::vector<std::byte> pixels(w.pixels() * size);
    what_.pixels(w, pixels);
    const auto row = static_cast<size_t>(w.width) * size;
    for (int64_t i = 0; i < w.height; ++i)
      std::copy_n(pixels.data() + size_t(i) * row, row,
                  static_cast<std::byte*>(out) + size_t(i) * size_t(nBlockXSize) * size);
    return CE_None;
  }

 private:
  const layer& what_;
  std::unique_ptr<GDALColorTable> colours_;
  GDALColorInterp interpretation_ = GCI_Undefined;
  CPLStringList categories_;
  std::unique_ptr<GDALDefaultRasterAttributeTable> names_;
};

class painted_dataset final : public GDALDataset {
 public:
  painted_dataset(const std::vector<const layer*>& bands, const raster_form& form)
      : first_(*bands.front()) {
    nRasterXSize = static_cast<int>(first_.width);
    nRasterYSize = static_cast<int>(first_.height);
    crs_.SetFromUserInput(first_.crs.c_str());
    crs_.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    for (const auto& [key, value] : form.metadata)
      GDALDataset::SetMetadataItem(key.c_str(), value.c_str());
    for (size_t i = 0; i < bands.size(); ++i)
      SetBand(int(i) + 1, new painted_band(*this, int(i) + 1, *bands[i], form));
  }
  CPLErr GetGeoTransform(double* transform) override {
    std::copy_n(first_.transform.data(), 6, transform);
    return CE_None;
  }
  const OGRSpatialReference* GetSpatialRef() const override { return &crs_; }

 private:
  const layer& first_;
  OGRSpatialReference crs_;
};

painted_band::painted_band(painted_dataset& owner, int number, const layer& what,
                           const raster_form& form)
    : what_(what) {
  poDS = &owner;
  nBand = number;
  eDataType = gdal_type(what.type);
  nRasterXSize = owner.GetRasterXSize();
  nRasterYSize = owner.GetRasterYSize();
  nBlockXSize = form.block_width > 0 ? std::min(form.block_width, nRasterXSize) : nRasterXSize;
  nBlockYSize = std::min(form.block_height > 0 ? form.block_height : strip_rows, nRasterYSize);
  if (what.type == pixel_type::int8)
    GDALRasterBand::SetMetadataItem("PIXELTYPE", "SIGNEDBYTE", "IMAGE_STRUCTURE");
  if (size_t(number) <= form.interpretation.size())
    interpretation_ = static_cast<GDALColorInterp>(form.interpretation[size_t(number) - 1]);
  if (!form.colours.empty()) {
    colours_ = std::make_unique<GDALColorTable>();
    for (size_t i = 0; i < form.colours.size(); ++i) {
      const GDALColorEntry entry{form.colours[i][0], form.colours[i][1], form.colours[i][2], 255};
      colours_->SetColorEntry(int(i), &entry);
    }
    interpretation_ = GCI_PaletteIndex;
  }
  for (const auto& name : form.categories) categories_.AddString(name.c_str());
  if (form.categories.empty()) return;
  // HFA takes names from a table of attributes only.
  names_ = std::make_unique<GDALDefaultRasterAttributeTable>();
  names_->CreateColumn("Class_Names", GFT_String, GFU_Name);
  names_->SetRowCount(int(form.categories.size()));
  for (size_t i = 0; i < form.categories.size(); ++i)
    names_->SetValue(int(i), 0, form.categories[i].c_str());
}

}  // namespace

result<void> write_raster(const std::string& path, const std::vector<const layer*>& bands,
                          const raster_form& form) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const gdal_errors errors;
  auto* driver = GetGDALDriverManager()->GetDriverByName(form.driver.c_str());
  if (driver == nullptr)
    return fail(ec::unsupported, "write " + path, "GDAL has no driver " + form.driver);
  CPLStringList options;
  for (const auto& option : form.creation) options.AddString(option.c_str());
  painted_dataset source(bands, form);
  gdal_dataset file(
      driver->CreateCopy(path.c_str(), &source, FALSE, options.List(), nullptr, nullptr), false);
  if (!file) return fail(ec::io_error, "write " + path, errors.text());
  if (const auto why = file.close(); !why.empty() || errors.failed())
    return fail(ec::io_error, "write " + path, why.empty() ? errors.text() : why);
  // What GDAL keeps beside the file is in the file's own header too.
  std::filesystem::remove(path + ".aux.xml", ignored);
  return {};
}

result<std::vector<std::pair<int, std::string>>> polygons_of(const layer& mask) {
  const gdal_errors errors;
  const auto refuse = [&] { return fail(ec::io_error, "outline " + mask.name, errors.text()); };
  painted_dataset source({&mask}, {});
  auto* memory = GetGDALDriverManager()->GetDriverByName("Memory");
  if (memory == nullptr) return refuse();
  const std::unique_ptr<GDALDataset> out(memory->Create("", 0, 0, 0, GDT_Unknown, nullptr));
  auto* shapes = out->CreateLayer("mask", nullptr, wkbPolygon, nullptr);
  OGRFieldDefn value("value", OFTInteger);
  if (shapes->CreateField(&value) != OGRERR_NONE ||
      GDALPolygonize(source.GetRasterBand(1), source.GetRasterBand(1), shapes, 0, nullptr, nullptr,
                     nullptr) != CE_None)
    return refuse();
  std::vector<std::pair<int, std::string>> found;
  for (const auto& feature : *shapes) {
    if (feature->GetFID() >= most_polygons) break;
    const auto* ring = feature->GetGeometryRef()->toPolygon()->getExteriorRing();
    std::string points;
    for (int i = 0; i < ring->getNumPoints(); ++i)
      points += text(i == 0 ? "%.0f %.0f" : " %.0f %.0f", ring->getX(i), ring->getY(i));
    found.emplace_back(feature->GetFieldAsInteger(0), std::move(points));
  }
  return found;
}

}  // namespace stip::scenes
