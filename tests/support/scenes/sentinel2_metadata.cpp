#include "tests/support/scenes/sentinel2_metadata.hpp"

#include <array>

#include "tests/support/scenes/product.hpp"

// The structure follows real products (baselines 02.14 and 05.09) and the Sentinel-2 Products
// Specification Document, S2-PDGS-TAS-DI-PSD, sections 3.4 and 3.10.

namespace stip::scenes {

namespace {

struct band_facts {
  const char* name;
  int resolution;
  double from, to, centre, irradiance;
};

/// In the order of band_id.
constexpr std::array<band_facts, 13> bands = {{
    {"B1", 60, 412, 456, 442.7, 1884.69},
    {"B2", 10, 456, 533, 492.7, 1959.66},
    {"B3", 10, 538, 583, 559.8, 1823.24},
    {"B4", 10, 646, 684, 664.6, 1512.06},
    {"B5", 20, 695, 714, 704.1, 1424.64},
    {"B6", 20, 731, 749, 740.5, 1287.61},
    {"B7", 20, 769, 797, 782.8, 1162.08},
    {"B8", 10, 760, 907, 832.8, 1041.63},
    {"B8A", 20, 837, 881, 864.7, 955.32},
    {"B9", 60, 932, 958, 945.1, 812.92},
    {"B10", 60, 1337, 1412, 1373.5, 367.15},
    {"B11", 20, 1539, 1682, 1613.7, 245.59},
    {"B12", 20, 2078, 2320, 2202.4, 85.25},
}};
constexpr std::array<const char*, 13> band_names = {"B1", "B2",  "B3", "B4",  "B5",  "B6", "B7",
                                                    "B8", "B8A", "B9", "B10", "B11", "B12"};
constexpr std::array<const char*, 12> scene_classes = {"SC_NODATA",
                                                       "SC_SATURATED_DEFECTIVE",
                                                       "SC_DARK_FEATURE_SHADOW",
                                                       "SC_CLOUD_SHADOW",
                                                       "SC_VEGETATION",
                                                       "SC_NOT_VEGETATED",
                                                       "SC_WATER",
                                                       "SC_UNCLASSIFIED",
                                                       "SC_CLOUD_MEDIUM_PROBA",
                                                       "SC_CLOUD_HIGH_PROBA",
                                                       "SC_THIN_CIRRUS",
                                                       "SC_SNOW_ICE"};

/// The grids of angles have a value each 5 km.
constexpr int angles = 23;
constexpr double sun_zenith = 32.4, sun_azimuth = 144.9;
constexpr double view_zenith = 6.3, view_azimuth = 104.2;

std::string dashes(const std::string& compact, const char* fraction) {
  return compact.substr(0, 4) + "-" + compact.substr(4, 2) + "-" + compact.substr(6, 5) + ":" +
         compact.substr(11, 2) + ":" + compact.substr(13, 2) + fraction + "Z";
}

std::string angle_grid(double first, double down, double across) {
  std::string out =
      "          <COL_STEP unit=\"m\">5000</COL_STEP>\n"
      "          <ROW_STEP unit=\"m\">5000</ROW_STEP>\n          <Values_List>\n";
  for (int row = 0; row < angles; ++row) {
    out += "            <VALUES>";
    for (int column = 0; column < angles; ++column)
      out += text(column == 0 ? "%.4f" : " %.4f", first + down * row + across * column);
    out += "</VALUES>\n";
  }
  return out + "          </Values_List>\n";
}

std::string level(const sentinel2_facts& f) {
  return f.level2 ? "2A" : "1C";
}

}  // namespace

std::string product_metadata(const sentinel2_facts& f) {
  std::string images, irradiance, spectra, offsets, classes, wanted;
  for (const auto& image : f.images)
    images += "            <IMAGE_FILE>" + image + "</IMAGE_FILE>\n";
  for (size_t i = 0; i < bands.size(); ++i) {
    const auto& b = bands[i];
    irradiance += text(
        "          <SOLAR_IRRADIANCE bandId=\"%zu\" unit=\"W/m²/µm\">%g"
        "</SOLAR_IRRADIANCE>\n",
        i, b.irradiance);
    spectra += text(
        "        <Spectral_Information bandId=\"%zu\" physicalBand=\"%s\">\n"
        "          <RESOLUTION>%d</RESOLUTION>\n          <Wavelength>\n"
        "            <MIN unit=\"nm\">%g</MIN>\n            <MAX unit=\"nm\">%g</MAX>\n"
        "            <CENTRAL unit=\"nm\">%g</CENTRAL>\n          </Wavelength>\n"
        "        </Spectral_Information>\n",
        i, b.name, b.resolution, b.from, b.to, b.centre);
    offsets +=
        f.level2 ? text("        <BOA_ADD_OFFSET band_id=\"%zu\">-1000</BOA_ADD_OFFSET>\n", i)
                 : text("        <RADIO_ADD_OFFSET band_id=\"%zu\">-1000</RADIO_ADD_OFFSET>\n", i);
  }
  for (const auto* name : band_names) wanted += text("          <BAND_NAME>%s</BAND_NAME>\n", name);
  for (size_t i = 0; i < scene_classes.size(); ++i)
    classes += text(
        "        <Scene_Classification_ID>\n"
        "          <SCENE_CLASSIFICATION_TEXT>%s</SCENE_CLASSIFICATION_TEXT>\n"
        "          <SCENE_CLASSIFICATION_INDEX>%zu</SCENE_CLASSIFICATION_INDEX>\n"
        "        </Scene_Classification_ID>\n",
        scene_classes[i], i);
  const std::string quantification =
      f.level2
          ? "      <QUANTIFICATION_VALUES_LIST>\n"
            "        <BOA_QUANTIFICATION_VALUE unit=\"none\">10000</BOA_QUANTIFICATION_VALUE>\n"
            "        <AOT_QUANTIFICATION_VALUE unit=\"none\">1000.0</AOT_QUANTIFICATION_VALUE>\n"
            "        <WVP_QUANTIFICATION_VALUE unit=\"cm\">1000.0</WVP_QUANTIFICATION_VALUE>\n"
            "      </QUANTIFICATION_VALUES_LIST>\n"
          : "      <QUANTIFICATION_VALUE unit=\"none\">10000</QUANTIFICATION_VALUE>\n";
  const std::string list = f.level2 ? "BOA_ADD_OFFSET_VALUES_LIST" : "Radiometric_Offset_List";
  return fill_in(
      R"(<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-@LEVEL@_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-@LEVEL@.xsd" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-@LEVEL@.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>@START@</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>@START@</PRODUCT_STOP_TIME>
      <PRODUCT_URI>@PRODUCT@.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-@LEVEL@</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI@LEVEL@</PRODUCT_TYPE>
      <PROCESSING_BASELINE>@BASELINE@</PROCESSING_BASELINE>
      <GENERATION_TIME>@GENERATED@</GENERATION_TIME>
      <PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>
      <PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>
      <Datatake datatakeIdentifier="G@CRAFT@_@DATATAKE@_@ABSOLUTE@_N@BASELINE@">
        <SPACECRAFT_NAME>Sentinel-2@LETTER@</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>@START@</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>@ORBIT@</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Query_Options completeSingleTile="true">
        <PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>
@BANDLIST@      </Query_Options>
      <Product_Organisation>
        <Granule_List>
          <Granule datastripIdentifier="@STRIPID@" granuleIdentifier="@TILEID@" imageFormat="JPEG2000">
@IMAGES@          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Image_Display_Order>
        <RED_CHANNEL>3</RED_CHANNEL>
        <GREEN_CHANNEL>2</GREEN_CHANNEL>
        <BLUE_CHANNEL>1</BLUE_CHANNEL>
      </Image_Display_Order>
@QUANTIFICATION@@OFFSETS@      <Reflectance_Conversion>
        <U>1.01300000000000</U>
        <Solar_Irradiance_List>
@IRRADIANCE@        </Solar_Irradiance_List>
      </Reflectance_Conversion>
      <Spectral_Information_List>
@SPECTRA@      </Spectral_Information_List>
      <PHYSICAL_GAINS bandId="0">3.97</PHYSICAL_GAINS>
      <REFERENCE_BAND>3</REFERENCE_BAND>
@CLASSES@    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Product_Footprint>
      <Product_Footprint>
        <Global_Footprint>
          <EXT_POS_LIST>@OUTLINE@</EXT_POS_LIST>
        </Global_Footprint>
      </Product_Footprint>
      <RASTER_CS_TYPE>POINT</RASTER_CS_TYPE>
      <PIXEL_ORIGIN>1</PIXEL_ORIGIN>
    </Product_Footprint>
    <Coordinate_Reference_System>
      <GEO_TABLES version="1">EPSG</GEO_TABLES>
      <HORIZONTAL_CS_TYPE>GEOGRAPHIC</HORIZONTAL_CS_TYPE>
    </Coordinate_Reference_System>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>@CLOUDY@</Cloud_Coverage_Assessment>
    <Image_Content_QI>
      <NODATA_PIXEL_PERCENTAGE>@NODATA@</NODATA_PIXEL_PERCENTAGE>
    </Image_Content_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-@LEVEL@_User_Product>
)",
      {{"LEVEL", level(f)},
       {"START", dashes(f.datatake, ".024")},
       {"PRODUCT", f.product},
       {"BASELINE", f.baseline},
       {"GENERATED", dashes(f.generated, ".000000")},
       {"CRAFT", f.spacecraft},
       {"LETTER", f.spacecraft.substr(2)},
       {"DATATAKE", f.datatake},
       {"ABSOLUTE", f.granule.substr(f.granule.find("_A") + 2, 6)},
       {"ORBIT", f.orbit},
       {"BANDLIST", f.level2 ? "" : "        <Band_List>\n" + wanted + "        </Band_List>\n"},
       {"STRIPID", f.spacecraft + "_OPER_MSI_L" + level(f) + "_" + f.datastrip + "_N" + f.baseline},
       {"TILEID", f.spacecraft + "_OPER_MSI_L" + level(f) + "_TL_VGS2_" + f.generated + "_A" +
                      f.granule.substr(f.granule.find("_A") + 2, 6) + "_" + f.tile + "_N" +
                      f.baseline},
       {"IMAGES", images},
       {"QUANTIFICATION", quantification},
       {"OFFSETS", f.offsets ? "      <" + list + ">\n" + offsets + "      </" + list + ">\n" : ""},
       {"IRRADIANCE", irradiance},
       {"SPECTRA", spectra},
       {"CLASSES", f.level2 ? "      <Scene_Classification_List>\n" + classes +
                                  "      </Scene_Classification_List>\n"
                            : ""},
       {"OUTLINE", f.outline},
       {"CLOUDY", text("%.6f", f.cloudy_percent)},
       {"NODATA", text("%.6f", f.nodata_percent)}});
}

std::string tile_metadata(const sentinel2_facts& f) {
  std::string sizes, positions, views, masks;
  for (const int r : {10, 20, 60}) {
    const auto edge = f.edge * 10 / r;
    sizes += text(
        "      <Size resolution=\"%d\">\n        <NROWS>%lld</NROWS>\n"
        "        <NCOLS>%lld</NCOLS>\n      </Size>\n",
        r, edge, edge);
    positions += text(
        "      <Geoposition resolution=\"%d\">\n        <ULX>%lld</ULX>\n"
        "        <ULY>%lld</ULY>\n        <XDIM>%d</XDIM>\n        <YDIM>-%d</YDIM>\n"
        "      </Geoposition>\n",
        r, f.upper_left_x, f.upper_left_y, r, r);
  }
  for (size_t i = 0; i < bands.size(); ++i)
    views += text(
        "        <Mean_Viewing_Incidence_Angle bandId=\"%zu\">\n"
        "          <ZENITH_ANGLE unit=\"deg\">%.4f</ZENITH_ANGLE>\n"
        "          <AZIMUTH_ANGLE unit=\"deg\">%.4f</AZIMUTH_ANGLE>\n"
        "        </Mean_Viewing_Incidence_Angle>\n",
        i, view_zenith + 0.01 * double(i), view_azimuth + 0.1 * double(i));
  const auto folder = "GRANULE/" + f.granule + "/QI_DATA/";
  masks = f.offsets ? "      <MASK_FILENAME type=\"MSK_CLASSI\">" + folder +
                          "MSK_CLASSI_B00.jp2</MASK_FILENAME>\n"
                    : "      <MASK_FILENAME type=\"MSK_CLOUDS\">" + folder +
                          "MSK_CLOUDS_B00.gml</MASK_FILENAME>\n";
  if (f.level2)
    for (const auto* what : {"MSK_CLDPRB", "MSK_SNWPRB"})
      for (const int r : {20, 60})
        masks += text("      <MASK_FILENAME type=\"%s\">%s%s_%dm.jp2</MASK_FILENAME>\n", what,
                      folder.c_str(), what, r);
  const auto zone = text("WGS84 / UTM zone %d%s", f.epsg % 100, f.epsg / 100 == 326 ? "N" : "S");
  return fill_in(R"(<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-@LEVEL@_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-@LEVEL@_Tile_Metadata.xsd" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">@CRAFT@_OPER_MSI_L@LEVEL@_TL_VGS2_@GENERATED@_A@ABSOLUTE@_@TILE@_N@BASELINE@</TILE_ID>
    <DATASTRIP_ID metadataLevel="Standard">@CRAFT@_OPER_MSI_L@LEVEL@_@STRIP@_N@BASELINE@</DATASTRIP_ID>
    <DOWNLINK_PRIORITY metadataLevel="Standard">NOMINAL</DOWNLINK_PRIORITY>
    <SENSING_TIME metadataLevel="Standard">@SENSED@</SENSING_TIME>
    <Archiving_Info metadataLevel="Expertise">
      <ARCHIVING_CENTRE>VGS2</ARCHIVING_CENTRE>
      <ARCHIVING_TIME>@ARCHIVED@</ARCHIVING_TIME>
    </Archiving_Info>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>@ZONE@</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>EPSG:@EPSG@</HORIZONTAL_CS_CODE>
@SIZES@@POSITIONS@    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Sun_Angles_Grid>
        <Zenith>
@ZENITHS@        </Zenith>
        <Azimuth>
@AZIMUTHS@        </Azimuth>
      </Sun_Angles_Grid>
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">@ZENITH@</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">@AZIMUTH@</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
      <Mean_Viewing_Incidence_Angle_List>
@VIEWS@      </Mean_Viewing_Incidence_Angle_List>
    </Tile_Angles>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info metadataLevel="Standard">
    <Image_Content_QI>
      <CLOUDY_PIXEL_PERCENTAGE>@CLOUDY@</CLOUDY_PIXEL_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
      <NODATA_PIXEL_PERCENTAGE>@NODATA@</NODATA_PIXEL_PERCENTAGE>
    </Image_Content_QI>
    <Pixel_Level_QI geometry="FULL_RESOLUTION">
@MASKS@    </Pixel_Level_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-@LEVEL@_Tile_ID>
)",
                 {{"LEVEL", level(f)},
                  {"CRAFT", f.spacecraft},
                  {"GENERATED", f.generated},
                  {"ABSOLUTE", f.granule.substr(f.granule.find("_A") + 2, 6)},
                  {"TILE", f.tile},
                  {"BASELINE", f.baseline},
                  {"STRIP", f.datastrip},
                  {"SENSED", dashes(f.sensed, ".456000")},
                  {"ARCHIVED", dashes(f.generated, ".349026")},
                  {"ZONE", zone},
                  {"EPSG", text("%d", f.epsg)},
                  {"SIZES", sizes},
                  {"POSITIONS", positions},
                  {"ZENITHS", angle_grid(sun_zenith + 0.6, 0.02, -0.04)},
                  {"AZIMUTHS", angle_grid(sun_azimuth - 1, 0.03, 0.06)},
                  {"ZENITH", text("%.10f", sun_zenith)},
                  {"AZIMUTH", text("%.10f", sun_azimuth)},
                  {"VIEWS", views},
                  {"CLOUDY", text("%.6f", f.cloudy_percent)},
                  {"NODATA", text("%.6f", f.nodata_percent)},
                  {"MASKS", masks}});
}

std::string datastrip_metadata(const sentinel2_facts& f) {
  return fill_in(R"(<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-@LEVEL@_DataStrip_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-@LEVEL@_Datastrip_Metadata.xsd">
  <n1:General_Info>
    <Datastrip_Identification>
      <DATASTRIP_ID metadataLevel="Brief">@CRAFT@_OPER_MSI_L@LEVEL@_@STRIP@_N@BASELINE@</DATASTRIP_ID>
    </Datastrip_Identification>
    <Datastrip_Time_Info metadataLevel="Standard">
      <DATASTRIP_SENSING_START>@SENSED@</DATASTRIP_SENSING_START>
    </Datastrip_Time_Info>
  </n1:General_Info>
</n1:Level-@LEVEL@_DataStrip_ID>
)",
                 {{"LEVEL", level(f)},
                  {"CRAFT", f.spacecraft},
                  {"STRIP", f.datastrip},
                  {"BASELINE", f.baseline},
                  {"SENSED", dashes(f.datastrip.substr(f.datastrip.find("_S") + 2), ".000")}});
}

std::string safe_manifest(const sentinel2_facts& f) {
  std::string objects;
  for (size_t i = 0; i < f.files.size(); ++i)
    objects += text(
        "    <dataObject ID=\"file%zu\">\n      <byteStream mimeType=\"%s\">\n"
        "        <fileLocation href=\"./%s\" locatorType=\"URL\"/>\n"
        "      </byteStream>\n    </dataObject>\n",
        i, f.files[i].ends_with(".jp2") ? "application/octet-stream" : "text/xml",
        f.files[i].c_str());
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xfdu:XFDU "
         "xmlns:xfdu=\"urn:ccsds:schema:xfdu:1\" "
         "version=\"esa/safe/sentinel/1.1/sentinel-2/msi/archive_l" +
         std::string(f.level2 ? "2a" : "1c") + "_user_product\">\n  <dataObjectSection>\n" +
         objects + "  </dataObjectSection>\n</xfdu:XFDU>\n";
}

std::string cloud_polygons(const sentinel2_facts& f,
                           const std::vector<std::pair<int, std::string>>& polygons) {
  std::string members;
  size_t number = 0;
  for (const auto& [value, points] : polygons) {
    const auto* kind = value == 1 ? "OPAQUE" : "CIRRUS";
    members += text(
        "    <eop:MaskFeature gml:id=\"%s.%zu\">\n"
        "      <eop:maskType codeSpace=\"urn:gs2:S2PDGS:maskType\">%s</eop:maskType>\n"
        "      <eop:extentOf>\n        <gml:Polygon gml:id=\"%s.%zu_Polygon\">\n"
        "          <gml:exterior>\n            <gml:LinearRing>\n"
        "              <gml:posList srsDimension=\"2\">%s</gml:posList>\n"
        "            </gml:LinearRing>\n          </gml:exterior>\n"
        "        </gml:Polygon>\n      </eop:extentOf>\n    </eop:MaskFeature>\n",
        kind, number, kind, kind, number, points.c_str());
    ++number;
  }
  return fill_in(
      R"(<?xml version="1.0" encoding="UTF-8"?>
<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:gml="http://www.opengis.net/gml/3.2" gml:id="@ID@">
  <gml:name>MSK_CLOUDS pixels mask from data-strip @ID@</gml:name>
  <gml:boundedBy>
    <gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:@EPSG@">
      <gml:lowerCorner>@LEFT@ @BOTTOM@</gml:lowerCorner>
      <gml:upperCorner>@RIGHT@ @TOP@</gml:upperCorner>
    </gml:Envelope>
  </gml:boundedBy>
  <eop:maskMembers>
@MEMBERS@  </eop:maskMembers>
</eop:Mask>
)",
      {{"ID", f.spacecraft + "_OPER_MSK_CLOUDS_VGS2_" + f.generated + "_" + f.tile + "_B00_MSIL1C"},
       {"EPSG", text("%d", f.epsg)},
       {"LEFT", text("%lld", f.upper_left_x)},
       {"BOTTOM", text("%lld", f.upper_left_y - 10 * f.edge)},
       {"RIGHT", text("%lld", f.upper_left_x + 10 * f.edge)},
       {"TOP", text("%lld", f.upper_left_y)},
       {"MEMBERS", members}});
}

}  // namespace stip::scenes
