#define CAF_SUITE format.input_files
#include "libstip/format/input_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

namespace fs = std::filesystem;

struct fixture {
  scratch_directory files;

  void write(const std::string& name, const std::string& text = "x") {
    const fs::path path = files / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  /// The names, sorted and with blanks between them.
  std::string names_of(const std::string& input) {
    const auto found = files_of_input(files / input);
    if (!found) return to_string(found.error());
    std::vector<std::string> names;
    for (const auto& file : found->files) names.push_back(file.name);
    std::sort(names.begin(), names.end());
    std::string out = found->entry + ":";
    for (const auto& name : names) {
      CAF_CHECK(fs::exists(found->root + name));
      out += " " + name;
    }
    return out;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(input_files_tests, fixture)

CAF_TEST(a file brings what belongs to it and nothing else) {
  for (const auto* name : {"d/a.tif", "d/a.tfw", "d/a.tif.aux.xml", "d/a.TIF.ovr", "d/a.tif.ovr",
                           "d/ab.tif", "d/a.txt", "d/b.tfw", "d/sub/a.tfw"})
    write(name);
  CAF_CHECK_EQUAL(names_of("d/a.tif"), "a.tif: a.tfw a.tif a.tif.aux.xml a.tif.ovr");
  CAF_CHECK_EQUAL(names_of("d/ab.tif"), "ab.tif: ab.tif");
}

CAF_TEST(a folder brings its files under its own name) {
  write("x.SAFE/MTD.xml", "12345");
  write("x.SAFE/GRANULE/g/b.jp2");
  write("x.SAFE/.hidden");
  write("secret");
  fs::create_symlink(files / "secret", files / "x.SAFE/out");
  CAF_CHECK_EQUAL(names_of("x.SAFE"), "x.SAFE: x.SAFE/GRANULE/g/b.jp2 x.SAFE/MTD.xml");
  CAF_CHECK_EQUAL(names_of("x.SAFE/"), "x.SAFE: x.SAFE/GRANULE/g/b.jp2 x.SAFE/MTD.xml");
  const auto found = files_of_input(files / "x.SAFE");
  CAF_REQUIRE(found.has_value());
  CAF_CHECK_EQUAL(found->files.back().bytes, 5u);
}

CAF_TEST(metadata brings the product that it is about) {
  for (const auto* name :
       {"l/LC08_MTL.txt", "l/LC08_B1.TIF", "l/LC09_B1.TIF", "s/MTD_MSIL1C.xml", "s/GRANULE/b.jp2"})
    write(name);
  CAF_CHECK_EQUAL(names_of("l/LC08_MTL.txt"), "l/LC08_MTL.txt: l/LC08_B1.TIF l/LC08_MTL.txt");
  CAF_CHECK_EQUAL(names_of("s/MTD_MSIL1C.xml"),
                  "s/MTD_MSIL1C.xml: s/GRANULE/b.jp2 s/MTD_MSIL1C.xml");
}

CAF_TEST(what is no file of this machine is refused) {
  CAF_CHECK(code_of(files_of_input("/vsizip/a.zip/b.tif")) == ec::unsupported);
  CAF_CHECK(code_of(files_of_input(files / "none")) == ec::not_found);
  CAF_REQUIRE_EQUAL(::mkfifo((files / "pipe").c_str(), 0600), 0);
  CAF_CHECK(code_of(files_of_input(files / "pipe")) == ec::invalid_argument);
  fs::create_directories(files / "empty");
  CAF_CHECK(code_of(files_of_input(files / "empty")) == ec::not_found);
}

CAF_TEST_FIXTURE_SCOPE_END()
