#include "tests/support/scenes/eos_metadata.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

// HDF-EOS Library User's Guide (170-EEB-001), section 5; the objects of CoreMetadata as in real
// files of Collections 6 and 6.1.

namespace stip::scenes {

namespace {

constexpr double radius = 6371007.181;
constexpr int columns = 36, rows = 18;
constexpr double tile_metres = 1111950.5196666666;

std::string word_of(pixel_type type, bool eos5) {
  switch (type) {
    case pixel_type::int8:
      return eos5 ? "H5T_NATIVE_SCHAR" : "DFNT_INT8";
    case pixel_type::uint8:
      return eos5 ? "H5T_NATIVE_UCHAR" : "DFNT_UINT8";
    case pixel_type::int16:
      return eos5 ? "H5T_NATIVE_SHORT" : "DFNT_INT16";
    case pixel_type::uint16:
      return eos5 ? "H5T_NATIVE_USHORT" : "DFNT_UINT16";
    case pixel_type::uint32:
      return eos5 ? "H5T_NATIVE_UINT" : "DFNT_UINT32";
    default:
      return eos5 ? "H5T_NATIVE_FLOAT" : "DFNT_FLOAT32";
  }
}

std::string object(const std::string& name, const std::string& value, int count = 1,
                   const std::string& number = "") {
  return "    OBJECT                 = " + name + "\n" +
         (number.empty() ? "" : "      CLASS                = \"" + number + "\"\n") +
         text("      NUM_VAL              = %d\n", count) +
         "      VALUE                = " + value + "\n    END_OBJECT             = " + name +
         "\n\n";
}

std::string quoted(const std::string& word) {
  return "\"" + word + "\"";
}

std::string grouped(const std::string& name, const std::string& body) {
  return "  GROUP                  = " + name + "\n\n" + body +
         "  END_GROUP              = " + name + "\n\n";
}

std::string additional(int number, const std::string& name, const std::string& value) {
  const auto n = text("%d", number);
  return "    OBJECT                 = ADDITIONALATTRIBUTESCONTAINER\n      CLASS                "
         "= " +
         quoted(n) + "\n\n" + object("ADDITIONALATTRIBUTENAME", quoted(name), 1, n) +
         "      GROUP                  = INFORMATIONCONTENT\n        CLASS                = " +
         quoted(n) + "\n\n" + object("PARAMETERVALUE", quoted(value), 1, n) +
         "      END_GROUP              = INFORMATIONCONTENT\n\n" +
         "    END_OBJECT             = ADDITIONALATTRIBUTESCONTAINER\n\n";
}

}  // namespace

std::string sinusoidal_wkt() {
  return "PROJCS[\"unnamed\",GEOGCS[\"Unknown datum based upon the custom spheroid\","
         "DATUM[\"Not specified (based on custom spheroid)\",SPHEROID[\"Custom spheroid\","
         "6371007.181,0]],PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]],"
         "PROJECTION[\"Sinusoidal\"],PARAMETER[\"longitude_of_center\",0],"
         "PARAMETER[\"false_easting\",0],PARAMETER[\"false_northing\",0],UNIT[\"Meter\",1],"
         "AXIS[\"Easting\",EAST],AXIS[\"Northing\",NORTH]]";
}

eos_grid tile_grid(const std::string& name, int tile_h, int tile_v, int64_t edge) {
  eos_grid g;
  g.name = name;
  g.edge = edge;
  // Six digits after the point, as the files have them.
  const auto metres = [](int tiles) { return std::round(tiles * tile_metres * 1e6) / 1e6; };
  g.left = metres(tile_h - columns / 2);
  g.right = metres(tile_h + 1 - columns / 2);
  g.top = metres(rows / 2 - tile_v);
  g.bottom = metres(rows / 2 - tile_v - 1);
  return g;
}

std::string struct_metadata(const std::vector<eos_grid>& grids, bool eos5) {
  std::string out = "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n";
  for (size_t i = 0; i < grids.size(); ++i) {
    const auto& g = grids[i];
    out += text(
        "\tGROUP=GRID_%zu\n\t\tGridName=\"%s\"\n\t\tXDim=%lld\n\t\tYDim=%lld\n"
        "\t\tUpperLeftPointMtrs=(%.6f,%.6f)\n\t\tLowerRightMtrs=(%.6f,%.6f)\n"
        "\t\tProjection=%s\n"
        "\t\tProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\n\t\tSphereCode=-1\n",
        i + 1, g.name.c_str(), static_cast<long long>(g.edge), static_cast<long long>(g.edge),
        g.left, g.top, g.right, g.bottom, eos5 ? "HE5_GCTP_SNSOID" : "GCTP_SNSOID");
    out += eos5 ? "\t\tGridOrigin=HE5_HDFE_GD_UL\n" : "\t\tGridOrigin=HDFE_GD_UL\n";
    out += "\t\tGROUP=Dimension\n\t\tEND_GROUP=Dimension\n\t\tGROUP=DataField\n";
    for (size_t k = 0; k < g.fields.size(); ++k) {
      out += text(
          "\t\t\tOBJECT=DataField_%zu\n\t\t\t\tDataFieldName=\"%s\"\n\t\t\t\tDataType=%s\n"
          "\t\t\t\tDimList=(\"YDim\",\"XDim\")\n",
          k + 1, g.fields[k].name.c_str(), word_of(g.fields[k].type, eos5).c_str());
      if (eos5) out += "\t\t\t\tMaxdimList=(\"YDim\",\"XDim\")\n";
      out += text("\t\t\tEND_OBJECT=DataField_%zu\n", k + 1);
    }
    out += "\t\tEND_GROUP=DataField\n\t\tGROUP=MergedFields\n\t\tEND_GROUP=MergedFields\n";
    out += text("\tEND_GROUP=GRID_%zu\n", i + 1);
  }
  out += "END_GROUP=GridStructure\nGROUP=PointStructure\nEND_GROUP=PointStructure\n";
  if (eos5) out += "GROUP=ZaStructure\nEND_GROUP=ZaStructure\n";
  return out + "END\n";
}

std::vector<std::array<double, 2>> tile_ring(int tile_h, int tile_v) {
  const auto g = tile_grid("", tile_h, tile_v, 1);
  std::vector<std::array<double, 2>> ring;
  for (const auto& [x, y] : {std::pair{g.left, g.top}, std::pair{g.right, g.top},
                             std::pair{g.right, g.bottom}, std::pair{g.left, g.bottom}}) {
    const double latitude = std::clamp(y / radius, -std::numbers::pi / 2, std::numbers::pi / 2);
    const double turn = std::max(1e-9, std::cos(latitude));
    const double longitude = std::clamp(x / (radius * turn), -std::numbers::pi, std::numbers::pi);
    ring.push_back({longitude * 180 / std::numbers::pi, latitude * 180 / std::numbers::pi});
  }
  return ring;
}

std::string core_metadata(const eos_facts& f) {
  std::string longitudes, latitudes;
  // The ring begins at the lower left and goes clockwise.
  for (const size_t i : {3, 0, 1, 2}) {
    longitudes += text(longitudes.empty() ? "%.12f" : ", %.12f", f.ring[i][0]);
    latitudes += text(latitudes.empty() ? "%.12f" : ", %.12f", f.ring[i][1]);
  }
  std::string body = grouped(
      "ECSDATAGRANULE", object("REPROCESSINGPLANNED", quoted("further update is anticipated")) +
                            object("REPROCESSINGACTUAL", quoted("reprocessed")) +
                            object("LOCALGRANULEID", quoted(f.granule)) +
                            object("DAYNIGHTFLAG", quoted("Day")) +
                            object("PRODUCTIONDATETIME", quoted(f.produced)) +
                            object("LOCALVERSIONID", quoted("6.1.0")));
  body += grouped("COLLECTIONDESCRIPTIONCLASS", object("SHORTNAME", quoted(f.short_name)) +
                                                    object("VERSIONID", text("%d", f.collection)));
  body += grouped("SPATIALDOMAINCONTAINER",
                  object("EXCLUSIONGRINGFLAG", quoted("N"), 1, "1") +
                      object("GRINGPOINTLONGITUDE", "(" + longitudes + ")", 4, "1") +
                      object("GRINGPOINTLATITUDE", "(" + latitudes + ")", 4, "1") +
                      object("GRINGPOINTSEQUENCENO", "(1, 2, 3, 4)", 4, "1"));
  body += grouped("RANGEDATETIME", object("RANGEBEGINNINGTIME", quoted(f.begin_time)) +
                                       object("RANGEENDINGTIME", quoted(f.end_time)) +
                                       object("RANGEBEGINNINGDATE", quoted(f.begins)) +
                                       object("RANGEENDINGDATE", quoted(f.ends)));
  body += grouped("PGEVERSIONCLASS", object("PGEVERSION", quoted("6.1.0")));
  body += grouped("ASSOCIATEDPLATFORMINSTRUMENTSENSOR",
                  object("ASSOCIATEDSENSORSHORTNAME", quoted(f.instrument), 1, "1") +
                      object("ASSOCIATEDPLATFORMSHORTNAME", quoted(f.platform), 1, "1") +
                      object("ASSOCIATEDINSTRUMENTSHORTNAME", quoted(f.instrument), 1, "1"));
  body += grouped("ADDITIONALATTRIBUTES",
                  additional(1, "HORIZONTALTILENUMBER", text("%02d", f.tile_h)) +
                      additional(2, "VERTICALTILENUMBER", text("%02d", f.tile_v)) +
                      additional(3, "TileID", text("51%03d%03d", f.tile_h, f.tile_v)));
  return "\nGROUP                  = INVENTORYMETADATA\n  GROUPTYPE            = MASTERGROUP\n\n" +
         body + "END_GROUP              = INVENTORYMETADATA\n\nEND\n";
}

std::string archive_metadata(const eos_facts& f, const eos_grid& grid) {
  std::string body = object("LONGNAME", quoted(f.long_name));
  body += object("PROCESSINGCENTER", quoted("MODAPS"));
  body += object("DATACOLUMNS", text("%lld", static_cast<long long>(grid.edge)));
  body += object("DATAROWS", text("%lld", static_cast<long long>(grid.edge)));
  const auto all = f.ring;
  const auto east = std::max({all[0][0], all[1][0], all[2][0], all[3][0]});
  const auto west = std::min({all[0][0], all[1][0], all[2][0], all[3][0]});
  body += object("NORTHBOUNDINGCOORDINATE", text("%.12f", all[0][1]));
  body += object("SOUTHBOUNDINGCOORDINATE", text("%.12f", all[2][1]));
  body += object("EASTBOUNDINGCOORDINATE", text("%.12f", east));
  body += object("WESTBOUNDINGCOORDINATE", text("%.12f", west));
  return "\nGROUP                  = ARCHIVEDMETADATA\n  GROUPTYPE            = MASTERGROUP\n\n" +
         body + "END_GROUP              = ARCHIVEDMETADATA\n\nEND\n";
}

}  // namespace stip::scenes
