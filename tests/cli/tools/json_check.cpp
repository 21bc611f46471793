// Reads one JSON document from standard input and looks into it, for the tests of the command line:
//
//   json-check                        is it one document?
//   json-check get /0/state           prints the value at a JSON pointer (texts without quotes)
//   json-check count /0/errors        prints the size of an array or object
//   json-check members /0 a,b,c       do the members begin with these, in this order?
//
// Exit status 0, or 1 with the reason on standard error.

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using json = nlohmann::ordered_json;

int refuse(const std::string& why) {
  std::cerr << "json-check: " << why << "\n";
  return 1;
}

int check_members(const json& object, const std::string& wanted) {
  if (!object.is_object()) return refuse("it is no object");
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ",") + name;
  const bool begins = names == wanted || names.starts_with(wanted + ",");
  return begins ? 0 : refuse("the members are " + names);
}

int look(const json& document, const std::string& what, const std::string& where,
         const std::string& wanted) {
  const auto& value = document.at(json::json_pointer{where});
  if (what == "members") return check_members(value, wanted);
  if (what == "count")
    std::cout << value.size() << "\n";
  else if (what == "get")
    std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  else
    return refuse("unknown word " + what);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
    const auto document = json::parse(text);
    if (argc < 3) return 0;
    return look(document, argv[1], argv[2], argc > 3 ? argv[3] : "");
  } catch (const std::exception& err) {
    return refuse(err.what());
  }
}
