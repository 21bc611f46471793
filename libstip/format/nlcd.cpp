#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/product_files.hpp"
#include "libstip/format/product_scene.hpp"
#include "libstip/raster/text.hpp"

// The National Land Cover Database, the editions of single years and the annual series;
// docs/formats/nlcd.md.

namespace stip {

format nlcd_format();

namespace {

constexpr int sure_by_name = 90;
constexpr int sure_by_colours = 80;

/// Folders in a zip that are looked into.
constexpr int folder_depth = 2;

constexpr int first_year = 1972;
constexpr int last_year = 2100;

/// What the annual series calls its variables, and what stip calls their band.
struct variable {
  std::string_view mark;
  std::string_view band;
};
constexpr std::array<variable, 6> annual = {{
    {"lndcov_", "classification"},
    {"lndchg_", "change"},
    {"lndcnf_", "confidence"},
    {"fctimp_", "impervious_fraction"},
    {"impdsc_", "impervious_descriptor"},
    {"spcchg_", "spectral_change_day"},
}};

/// A class of the legend (MRLC, "National Land Cover Database Class Legend and Description") with
/// its colour. Editions differ by a few units of a colour.
struct land_cover {
  int code;
  std::string_view name;
  std::array<int, 3> colour;
};
constexpr std::array<land_cover, 20> legend = {{
    {11, "Open Water", {70, 107, 159}},
    {12, "Perennial Ice/Snow", {209, 222, 248}},
    {21, "Developed, Open Space", {222, 197, 197}},
    {22, "Developed, Low Intensity", {217, 146, 130}},
    {23, "Developed, Medium Intensity", {235, 0, 0}},
    {24, "Developed, High Intensity", {171, 0, 0}},
    {31, "Barren Land", {179, 172, 159}},
    {41, "Deciduous Forest", {104, 171, 95}},
    {42, "Evergreen Forest", {28, 95, 44}},
    {43, "Mixed Forest", {181, 197, 143}},
    {51, "Dwarf Scrub", {166, 140, 48}},
    {52, "Shrub/Scrub", {204, 184, 121}},
    {71, "Grassland/Herbaceous", {223, 223, 194}},
    {72, "Sedge/Herbaceous", {209, 209, 130}},
    {73, "Lichens", {163, 204, 81}},
    {74, "Moss", {130, 186, 158}},
    {81, "Pasture/Hay", {220, 217, 57}},
    {82, "Cultivated Crops", {171, 108, 40}},
    {90, "Woody Wetlands", {184, 217, 235}},
    {95, "Emergent Herbaceous Wetlands", {108, 159, 184}},
}};
constexpr int colour_tolerance = 10;
/// Classes whose colours must agree before a palette alone says that a file is of the database.
constexpr int colours_needed = 14;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view base_name(std::string_view member) {
  return member.substr(folder_of(member).size());
}

/// What a file's name says.
struct nlcd_name {
  std::string_view band = "classification";
  std::optional<int> year;
};

/// The first year from a place on: four digits that are no part of a longer number.
std::optional<int> year_from(const std::string& text, size_t from) {
  const auto digit = [&](size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  for (size_t i = from; i < text.size(); ++i) {
    if (!digit(i)) continue;
    size_t to = i;
    while (digit(to)) ++to;
    if (to - i == 4) {
      const int year = std::atoi(text.substr(i, 4).c_str());
      if (year >= first_year && year <= last_year) return year;
    }
    i = to;
  }
  return std::nullopt;
}

/// nlcd_2016_land_cover_l48_20210604, NLCD_2019_Land_Cover_L48, Annual_NLCD_LndCov_2023_CU_C1V0;
/// nullopt for names that are not of the database.
std::optional<nlcd_name> read_name(std::string_view name) {
  const auto text = lower(name.substr(0, defaults::max_name_bytes));
  nlcd_name out;
  for (const auto& one : annual)
    if (const auto at = text.find(one.mark); at != std::string::npos) {
      out.band = one.band;
      out.year = year_from(text, at + one.mark.size());
      return out;
    }
  const auto at = text.find("nlcd");
  if (at == std::string::npos || (at > 0 && text[at - 1] != '_')) return std::nullopt;
  if (text.find("impervious") != std::string::npos) out.band = "impervious_fraction";
  if (text.find("descriptor") != std::string::npos) out.band = "impervious_descriptor";
  if (text.find("canopy") != std::string::npos) out.band = "tree_canopy";
  if (text.find("change") != std::string::npos) out.band = "change";
  out.year = year_from(text, at + 4);
  return out;
}

/// What is seen of a file that may be of the database: one band of whole numbers, as an Erdas
/// Imagine file or a GeoTIFF.
struct look {
  gdal_dataset dataset;
  GDALRasterBandH band = nullptr;
};

std::optional<look> look_at(const std::string& name) {
  auto opened = open_gdal(name);
  if (!opened || (opened->driver() != "HFA" && opened->driver() != "GTiff")) return std::nullopt;
  look out{std::move(*opened), nullptr};
  if (GDALGetRasterCount(out.dataset.handle()) != 1) return std::nullopt;
  out.band = GDALGetRasterBand(out.dataset.handle(), 1);
  const auto type = GDALGetRasterDataType(out.band);
  if (type != GDT_Byte && type != GDT_UInt16 && type != GDT_Int16) return std::nullopt;
  return out;
}

/// Whether the palette is the one of the legend.
bool has_legend_colours(GDALRasterBandH band) {
  const auto table = GDALGetRasterColorTable(band);
  if (table == nullptr) return false;
  int alike = 0;
  for (const auto& one : legend) {
    const auto* entry =
        one.code < GDALGetColorEntryCount(table) ? GDALGetColorEntry(table, one.code) : nullptr;
    if (entry == nullptr) continue;
    const auto near = [](int a, int b) { return std::abs(a - b) <= colour_tolerance; };
    alike += near(entry->c1, one.colour[0]) && near(entry->c2, one.colour[1]) &&
             near(entry->c3, one.colour[2]);
  }
  return alike >= colours_needed;
}

bool is_raster_name(std::string_view member) {
  const auto name = lower(member);
  return name.ends_with(".img") || name.ends_with(".tif") || name.ends_with(".tiff");
}

/// The rasters of the database among the members.
std::vector<std::string> rasters_of(const product_files& files, bool any_name) {
  std::vector<std::string> out;
  for (const auto& member : files.members())
    if (any_name || (is_raster_name(member.name) && read_name(base_name(member.name))))
      out.push_back(member.name);
  return out;
}

bool may_have_palette(const std::string& input) {
  const auto first = first_bytes(input, 15);
  return first.starts_with("II") || first.starts_with("MM") || first == "EHFA_HEADER_TAG";
}

int detect(const std::string& input) {
  const auto kind = container_of(input);
  if (kind == container::none) {
    if (!may_have_palette(input)) return 0;
    const auto seen = look_at(input);
    if (!seen) return 0;
    if (read_name(file_name(input))) return sure_by_name;
    return has_legend_colours(seen->band) ? sure_by_colours : 0;
  }
  if (kind != container::zip) return 0;
  const auto files = product_files::list(input, folder_depth);
  return files && !rasters_of(*files, false).empty() ? sure_by_name : 0;
}

/// The names of classes in the file's attribute table, by value; empty without such a column.
std::vector<std::string> names_in_table(GDALRasterBandH band) {
  const auto table = GDALGetDefaultRAT(band);
  if (table == nullptr) return {};
  const int rows = std::min(GDALRATGetRowCount(table), 256);
  for (int column = 0; column < GDALRATGetColumnCount(table); ++column) {
    if (GDALRATGetTypeOfCol(table, column) != GFT_String) continue;
    const auto title = lower(GDALRATGetNameOfCol(table, column));
    if (title.find("class") == std::string::npos && title.find("land") == std::string::npos)
      continue;
    std::vector<std::string> out;
    const int values = GDALRATGetColOfUsage(table, GFU_MinMax);
    for (int row = 0; row < rows; ++row) {
      const int value = values < 0 ? row : GDALRATGetValueAsInt(table, row, values);
      if (value < 0 || value > 255) continue;
      const auto* name = GDALRATGetValueAsString(table, row, column);
      if (name == nullptr || *name == '\0') continue;
      if (out.size() <= size_t(value)) out.resize(size_t(value) + 1);
      out[size_t(value)] = clean_text(name, defaults::max_name_bytes);
    }
    if (!out.empty()) return out;
  }
  return {};
}

std::vector<std::string> names_of_legend() {
  std::vector<std::string> out(size_t(legend.back().code) + 1);
  for (const auto& one : legend) out[size_t(one.code)] = one.name;
  return out;
}

result<std::unique_ptr<scene>> open_raster(const product_files& files, const std::string& member,
                                           const std::string& input, const scene_options& options) {
  const auto path = files.path(member);
  // Opening says why, when the file is damaged.
  STIP_TRY(open_gdal(path));
  const auto seen = look_at(path);
  if (!seen)
    return fail(ec::unsupported, "open " + input,
                "it is not laid out as NLCD is: one band of whole numbers, IMG or GeoTIFF",
                "load it as generic");
  const auto name = read_name(base_name(member));
  known_band band;
  band.name = name ? name->band : nlcd_name{}.band;
  const bool classes = band.name == "classification";
  if (GDALGetRasterCategoryNames(seen->band) == nullptr) {
    band.categories = names_in_table(seen->band);
    if (band.categories.empty() && classes) band.categories = names_of_legend();
  }
  product_band raster;
  raster.subdataset = "0";
  raster.member = member;
  int has_nodata = FALSE;
  GDALGetRasterNoDataValue(seen->band, &has_nodata);
  // No class has the number 0: it surrounds the area that is mapped.
  if (classes && has_nodata == FALSE) raster.nodata = 0;
  raster.bands.push_back(band);
  STIP_ASSIGN(auto made, assemble(files, {raster}));
  auto& d = made.parts.description;
  d.format = "nlcd";
  d.platform = "NLCD";
  d.tile = tile_of(base_name(member));
  if (name && name->year) {
    STIP_ASSIGN(d.timestamp, from_civil(*name->year, 1, 1));
    d.start = d.timestamp;
    STIP_ASSIGN(d.end, from_civil(*name->year + 1, 1, 1));
    keep_property(d.properties, "year", std::to_string(*name->year));
  } else if (!options.timestamp) {
    return fail(ec::invalid_argument, "open " + input, "its name does not say of which year it is",
                "give --timestamp");
  }
  keep_property(d.properties, "constellation", "NLCD");
  keep_property(d.properties, "variable", band.name);
  keep_property(d.properties, "licence", "public domain, courtesy of the U.S. Geological Survey");
  return finish_scene(std::move(made), files, {}, input, options);
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  if (!is_clean_text(input))
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its name is not UTF-8 text", "rename the file");
  STIP_ASSIGN(const auto files, product_files::of(input, folder_depth));
  const auto rasters = rasters_of(files, container_of(input) == container::none);
  if (rasters.size() != 1)
    return fail(ec::unsupported, "open " + input,
                rasters.empty() ? "it holds no raster of the National Land Cover Database"
                                : "it holds several rasters",
                "give the IMG or GeoTIFF itself");
  STIP_ASSIGN(auto made, open_raster(files, rasters.front(), input, options));
  std::vector<std::unique_ptr<scene>> out;
  out.push_back(std::move(made));
  return out;
}

}  // namespace

format nlcd_format() {
  return {"nlcd", "National Land Cover Database, IMG or GeoTIFF", detect, open};
}

}  // namespace stip
