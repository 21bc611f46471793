#define CAF_SUITE format.product_files
#include "libstip/format/product_files.hpp"

#include <sys/stat.h>

#include <caf/test/unit_test.hpp>

#include "libstip/format/xml.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

namespace fs = std::filesystem;

/// "name:bytes name:bytes" of what an input holds, or why it cannot be listed.
std::string listed(const std::string& input, int depth = product_files::max_depth) {
  const auto files = product_files::list(input, depth);
  if (!files) return std::string(to_string(files.error().code));
  std::string out;
  for (const auto& member : files->members())
    out += (out.empty() ? "" : " ") + member.name + ":" + std::to_string(member.bytes);
  return out;
}

const std::map<std::string, std::string> some_files = {
    {"a/one.txt", "1"}, {"a/b/two.txt", "22"}, {"three.txt", "333"}};

void write_folder(const std::string& root, const std::map<std::string, std::string>& files) {
  for (const auto& [name, bytes] : files) {
    fs::create_directories(fs::path(root + "/" + name).parent_path());
    write_file(root + "/" + name, bytes);
  }
}

}  // namespace

CAF_TEST(a folder and a zip and a tar of the same files look the same) {
  scratch_directory directory;
  const auto folder = directory / "folder";
  write_folder(folder, some_files);
  CAF_REQUIRE(write_zip(directory / "some{odd} name.bin", some_files));
  write_file(directory / "b.tar", tar_of(some_files));
  CAF_REQUIRE(write_gzip(directory / "c", tar_of(some_files)));
  CAF_CHECK(container_of(folder) == container::folder);
  CAF_CHECK(container_of(directory / "some{odd} name.bin") == container::zip);
  CAF_CHECK(container_of(directory / "b.tar") == container::tar);
  CAF_CHECK(container_of(directory / "c") == container::tar);
  for (const auto& input :
       {folder, folder + "/", directory / "some{odd} name.bin", directory / "b.tar",
        directory / "c", "/vsitar/{" + (directory / "b.tar") + "}"}) {
    CAF_MESSAGE(input);
    const auto shown = listed(input);
    CAF_CHECK_EQUAL(shown, "a/b/two.txt:2 a/one.txt:1 three.txt:3");
    const auto one_deep = listed(input, 1);
    CAF_CHECK_EQUAL(one_deep, "three.txt:3");
    const auto two_deep = listed(input, 2);
    CAF_CHECK_EQUAL(two_deep, "a/one.txt:1 three.txt:3");
    const auto files = product_files::list(input);
    CAF_REQUIRE(files.has_value());
    CAF_CHECK(files->find("a/b") == nullptr);
    CAF_REQUIRE(files->find("a/b/two.txt") != nullptr);
    const auto text = files->text(*files->find("a/b/two.txt"));
    CAF_REQUIRE(text.has_value());
    CAF_CHECK_EQUAL(*text, "22");
  }
  CAF_CHECK_EQUAL(files_below(directory.path()).size(), 6u);
}

CAF_TEST(what is no container is not taken for one) {
  scratch_directory directory;
  write_file(directory / "empty", "");
  write_file(directory / "text", "words");
  CAF_REQUIRE(write_gzip(directory / "words.gz", "only words"));
  CAF_REQUIRE_EQUAL(mkfifo((directory / "pipe").c_str(), 0600), 0);
  for (const auto* name : {"empty", "text", "words.gz", "pipe", "none"}) {
    CAF_CHECK(container_of(directory / name) == container::none);
    CAF_CHECK(!product_files::list(directory / name));
  }
  CAF_CHECK(container_of("") == container::none);
  CAF_CHECK(container_of(std::string("a\0b", 3)) == container::none);
  CAF_CHECK(first_bytes(directory / "pipe", 4).empty());
  CAF_CHECK_EQUAL(first_bytes(directory / "text", 3), "wor");
  const auto single = product_files::of(directory / "text");
  CAF_REQUIRE(single && single->members().size() == 1);
  CAF_CHECK_EQUAL(single->path("text"), directory / "text");
  CAF_CHECK_EQUAL(code_of(product_files::of(directory / "none")), ec::not_found);
}

CAF_TEST(hidden files and links to elsewhere are left out and links within are taken) {
  scratch_directory directory;
  const auto folder = directory / "folder";
  write_folder(folder, {{".hidden", "x"},
                        {".git/config", "x"},
                        {"__MACOSX/a", "x"},
                        {"good", "1"},
                        {"bad\nname", "x"}});
  write_file(directory / "outside", "secret");
  fs::create_symlink(directory / "outside", folder + "/link");
  fs::create_symlink("good", folder + "/inner");
  fs::create_directory_symlink(directory.path(), folder + "/up");
  const auto shown = listed(folder);
  CAF_CHECK_EQUAL(shown, "good:1 inner:1");
  write_file(directory / "t.tar",
             tar_of({{"../up", "x"}, {"/abs", "x"}, {"a/../../b", "x"}, {"good", "1"}}));
  const auto files = product_files::list(directory / "t.tar");
  CAF_REQUIRE(files.has_value());
  for (const auto& member : files->members())
    CAF_CHECK(member.name.find("..") == std::string::npos);
  CAF_CHECK(files->find("good") != nullptr);
}

CAF_TEST(the checksum is of names and bytes wherever a folder lies and of the file of an archive) {
  scratch_directory directory;
  for (const auto* name : {"a", "elsewhere/b"}) {
    fs::create_directories(directory / name);
    write_folder(directory / name, some_files);
  }
  write_folder(directory / "a", {{"unrelated", "x"}});
  const std::vector<std::string> used = {"three.txt", "a/one.txt", "three.txt"};
  const auto sum = [&](const std::string& input, const std::vector<std::string>& members) {
    const auto files = product_files::list(input);
    return files ? files->identify(members).value_or(product_files::identity{})
                 : product_files::identity{};
  };
  const auto first = sum(directory / "a", used);
  CAF_CHECK_EQUAL(first.bytes, 4u);
  CAF_CHECK(first.checksum == sum(directory / "elsewhere/b", {"a/one.txt", "three.txt"}).checksum);
  CAF_CHECK(first.checksum != sum(directory / "a", {"three.txt"}).checksum);
  write_file((directory / "a") + "/three.txt", "334");
  CAF_CHECK(first.checksum != sum(directory / "a", used).checksum);
  write_file(directory / "b.tar", tar_of(some_files));
  CAF_CHECK(sum(directory / "b.tar", used).checksum == hash128_of(read_file(directory / "b.tar")));
  CAF_CHECK_EQUAL(sum(directory / "b.tar", used).bytes, fs::file_size(directory / "b.tar"));
}

CAF_TEST(more members than a product has are refused before they are kept) {
  scratch_directory directory;
  CAF_REQUIRE(write_zip(directory / "a.zip", some_files));
  auto zip = read_file(directory / "a.zip");
  const auto end = zip.rfind("PK\x05\x06");
  CAF_REQUIRE(end != std::string::npos);
  zip[end + 10] = zip[end + 11] = '\xff';
  write_file(directory / "many.zip", zip);
  CAF_CHECK_EQUAL(listed(directory / "many.zip"), "limit_exceeded");
  write_file(directory / "cut.zip", zip.substr(0, end));
  CAF_CHECK_EQUAL(listed(directory / "cut.zip"), "malformed");
  // Headers of empty files: a bomb of 40 MB that compresses to next to nothing.
  const auto header = tar_of({{"a", ""}}).substr(0, 512);
  std::string bomb;
  for (size_t i = 0; i <= product_files::max_members; ++i) bomb += header;
  CAF_REQUIRE(write_gzip(directory / "bomb.tgz", bomb));
  CAF_CHECK(fs::file_size(directory / "bomb.tgz") < 2'000'000);
  CAF_CHECK_EQUAL(listed(directory / "bomb.tgz"), "limit_exceeded");
  write_folder(
      directory / "f",
      {{"big.xml", std::string(product_files::max_metadata_bytes + 1, ' ')}, {"empty.xml", ""}});
  const auto files = product_files::list(directory / "f");
  CAF_REQUIRE(files.has_value());
  CAF_CHECK_EQUAL(code_of(files->text(*files->find("big.xml"))), ec::limit_exceeded);
  CAF_CHECK_EQUAL(code_of(files->text(*files->find("empty.xml"))), ec::io_error);
}

CAF_TEST(no damage to an archive crashes the reading of products) {
  scratch_directory directory;
  const std::string id = "LC08_L1TP_014032_20180311_20180320_02_T1";
  raster_file raster;
  raster.type = pixel_type::uint16;
  CAF_REQUIRE(write_raster(directory / "band.tif", raster));
  const std::map<std::string, std::string> product = {
      {id + "_B2.TIF", read_file(directory / "band.tif")}, {"b/readme.txt", "words"}};
  CAF_REQUIRE(write_zip(directory / "p.zip", product));
  const auto tar = tar_of(product);
  CAF_REQUIRE(write_gzip(directory / "p.tgz", tar));
  const std::string sound[] = {read_file(directory / "p.zip"), tar, read_file(directory / "p.tgz")};
  constexpr uint64_t seed = 20261124;
  const auto shown = "seed " + std::to_string(seed);
  CAF_MESSAGE(shown);
  std::mt19937_64 random(seed);
  size_t opened = 0, refused = 0;
  for (int round = 0; round < 600; ++round) {
    // GDAL keeps the list of an archive by its name.
    const auto path = directory / ("x" + std::to_string(round));
    write_file(path, mutated(sound[round % 3], random));
    const auto scenes = open_scenes("auto", path, {});
    ++(scenes ? opened : refused);
    if (!scenes) CAF_CHECK(!scenes.error().why.empty());
    fs::remove(path);
  }
  CAF_CHECK(opened > 10);
  CAF_CHECK(refused > 10);
}

CAF_TEST(a member of an archive is an input too) {
  scratch_directory directory;
  raster_file raster;
  raster.bands = 4;
  const std::string name = "m_3211605_ne_11_060_20200415.tif";
  CAF_REQUIRE(write_raster(directory / name, raster));
  const std::map<std::string, std::string> files = {{"in/" + name, read_file(directory / name)}};
  CAF_REQUIRE(write_zip(directory / "a.zip", files));
  write_file(directory / "a.tar", tar_of(files));
  CAF_REQUIRE(write_gzip(directory / "a.tgz", tar_of(files)));
  for (const auto& input : {"/vsizip/" + (directory / "a.zip") + "/in/" + name,
                            "/vsitar/" + (directory / "a.tar") + "/in/" + name,
                            "/vsitar/" + (directory / "a.tgz") + "/in/" + name}) {
    CAF_MESSAGE(input);
    const auto scenes = open_scenes("auto", input, {});
    CAF_REQUIRE(scenes.has_value());
    const auto& d = scenes->front()->description();
    CAF_CHECK_EQUAL(d.format, "naip");
    CAF_CHECK(d.input_checksum == hash128_of(read_file(directory / name)));
    CAF_CHECK_EQUAL(d.input_bytes, fs::file_size(directory / name));
  }
  const auto folder = product_files::list("/vsizip/" + (directory / "a.zip") + "/in");
  CAF_REQUIRE(folder && folder->members().size() == 1);
  const auto sum = folder->identify({name});
  CAF_REQUIRE(sum.has_value());
  CAF_CHECK_EQUAL(sum->bytes, fs::file_size(directory / name));
}

CAF_TEST(elements of xml are found by local names) {
  const std::string text =
      "<?xml version='1.0'?><!-- no --><n:A xmlns:n='u' k='v'><n:B> one </n:B><C><B "
      "id='2'>two</B></C><D/></n:A>";
  const auto xml = xml_document::parse(text, "text");
  CAF_REQUIRE(xml.has_value());
  const auto root = xml->root();
  CAF_CHECK_EQUAL(root.name(), "A");
  CAF_CHECK_EQUAL(root.attribute("k"), "v");
  CAF_CHECK_EQUAL(root.find("B").text(), "one");
  CAF_CHECK_EQUAL(root.all("B").size(), 2u);
  CAF_CHECK_EQUAL(root.all("B")[1].attribute("id"), "2");
  CAF_CHECK_EQUAL(root.children().size(), 3u);
  CAF_CHECK(root.find("D") && root.find("D").text().empty());
  CAF_CHECK(!root.find("E") && root.find("E").text().empty() && root.find("E").children().empty());
  CAF_CHECK(!root.find("E").find("F"));
  std::string nested = "<r>";
  for (int i = 0; i < 3000; ++i) nested += "<B/>";
  const auto many = xml_document::parse(nested + "</r>", "text");
  CAF_REQUIRE(many.has_value());
  CAF_CHECK_EQUAL(many->root().all("B").size(), xml_element::max_found);
  for (const auto* bad : {"", "words", "<a>", "<a></b>", "<a"})
    CAF_CHECK_EQUAL(code_of(xml_document::parse(bad, "text")), ec::malformed);
}
