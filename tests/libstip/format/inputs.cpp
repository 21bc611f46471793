#define CAF_SUITE format.inputs
#include "libstip/format/inputs.hpp"

#include <cpl_conv.h>
#include <cpl_vsi.h>

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "tests/support/libstip/http_server.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

scene_options known() {
  scene_options out;
  out.platform = "Test";
  out.timestamp = 1'500'000'000;
  return out;
}

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// A GeoTIFF, as it is on a disk and as a server gives it.
struct served_raster {
  served_raster() {
    raster_file file;
    file.width = 700;
    file.height = 500;
    made = write_raster(path, file);
  }

  scratch_directory directory;
  const std::string path = directory / "scene.tif";
  bool made = false;
};

/// Whether the first band is that of the file on the disk; else why not.
std::string compare(const std::string& input, const std::string& path) {
  reader_pool readers;
  std::vector<std::vector<std::byte>> pixels;
  for (const auto& name : {input, path}) {
    const auto scenes = open_scenes("generic", name, known(), readers);
    if (!scenes) return to_string(scenes.error());
    const auto& scene = *scenes->front();
    const auto& d = scene.description().subdatasets.front();
    auto reader = scene.open_reader();
    if (!reader) return to_string(reader.error());
    auto& to = pixels.emplace_back(size_t(d.grid.width * d.grid.height) * size_of(d.type));
    if (auto read = (*reader)->read(0, {0, 0, d.grid.width, d.grid.height}, 0, 1, to); !read)
      return to_string(read.error());
  }
  return pixels[0] == pixels[1] ? "" : "other pixels";
}

/// Where GDAL finds object stores while this lives.
class s3_at {
 public:
  explicit s3_at(const http_server& server) {
    set("AWS_S3_ENDPOINT", server.address().c_str());
    set("AWS_HTTPS", "NO");
    set("AWS_VIRTUAL_HOSTING", "FALSE");
    set("AWS_NO_SIGN_REQUEST", "YES");
  }
  ~s3_at() {
    for (const auto& name : names_) CPLSetConfigOption(name.c_str(), nullptr);
    VSICurlClearCache();
  }

 private:
  void set(const std::string& name, const char* value) {
    names_.push_back(name);
    CPLSetConfigOption(name.c_str(), value);
  }
  std::vector<std::string> names_;
};

}  // namespace

CAF_TEST(names of object stores and servers become those of GDAL) {
  const std::map<std::string, std::string> names{
      {"s3://bucket/a/b.tif", "/vsis3/bucket/a/b.tif"},
      {"gs://bucket/b.tif", "/vsigs/bucket/b.tif"},
      {"az://container/b.tif", "/vsiaz/container/b.tif"},
      {"http://host/b.tif", "/vsicurl/http://host/b.tif"},
      {"https://host/b.tif", "/vsicurl/https://host/b.tif"},
      {"/vsicurl/https://host/b.tif", "/vsicurl/https://host/b.tif"},
      {"/data/b.tif", "/data/b.tif"},
      {"b*.tif", "b*.tif"}};
  for (const auto& [given, wanted] : names) {
    const auto name = input_name(given);
    if (!name) CAF_FAIL(to_string(name.error()));
    CAF_CHECK_EQUAL(*name, wanted);
  }
  for (const std::string unknown : {"ftp://host/b.tif", "://b", "file:///b.tif"}) {
    const auto name = input_name(unknown);
    CAF_REQUIRE(!name);
    CAF_CHECK(name.error().code == ec::unsupported);
    CAF_CHECK(name.error().advice.find("s3://") != std::string::npos);
  }
}

CAF_TEST(a node reads from a server what its input roots admit) {
  CAF_CHECK(check_input("/vsis3/bucket/a.tif", {"/vsis3/bucket/"}).has_value());
  CAF_CHECK(!check_input("/vsis3/other/a.tif", {"/vsis3/bucket/"}));
  CAF_CHECK(!check_input("/vsicurl/http://host/a.tif", {"/"}));
}

CAF_TEST(a scene on a server is that on the disk) {
  const served_raster raster;
  CAF_REQUIRE(raster.made);
  const http_server server{{{"/a/scene.tif", content_of(raster.path)}}};
  CAF_REQUIRE(server.port() != 0);
  const auto found = resolve_inputs("http://" + server.address() + "/a/scene.tif");
  if (!found) CAF_FAIL(to_string(found.error()));
  CAF_REQUIRE_EQUAL(found->size(), 1u);
  CAF_CHECK_EQUAL(compare(found->front(), raster.path), "");
  CAF_CHECK(server.requests() > 0);
  const auto missing = compare("/vsicurl/http://" + server.address() + "/a/none.tif", raster.path);
  CAF_CHECK(!missing.empty());
  VSICurlClearCache();
}

CAF_TEST(a pattern finds the objects of a bucket) {
  const served_raster raster;
  CAF_REQUIRE(raster.made);
  const auto content = content_of(raster.path);
  const auto listed = [&](const std::string& name) {
    return "<Contents><Key>2020/" + name + "</Key><LastModified>2020-01-01T00:00:00.000Z" +
           "</LastModified><Size>" + std::to_string(content.size()) + "</Size></Contents>";
  };
  const auto listing =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>bucket</Name>"
      "<Prefix>2020/</Prefix><IsTruncated>false</IsTruncated>" +
      listed("a.tif") + listed("b.tif") + listed("c.txt") + "</ListBucketResult>";
  const http_server server{{{"/bucket/", listing},
                            {"/bucket", listing},
                            {"/bucket/2020/a.tif", content},
                            {"/bucket/2020/b.tif", content}}};
  CAF_REQUIRE(server.port() != 0);
  const s3_at here{server};
  const auto found = resolve_inputs("s3://bucket/2020/*.tif");
  if (!found) CAF_FAIL(to_string(found.error()));
  CAF_CHECK(*found ==
            (std::vector<std::string>{"/vsis3/bucket/2020/a.tif", "/vsis3/bucket/2020/b.tif"}));
  CAF_CHECK_EQUAL(compare(found->front(), raster.path), "");
}
