#include "libstip/format/landsat_metadata.hpp"

#include <nlohmann/json.hpp>
#include <regex>

#include "libstip/core/defaults.hpp"
#include "libstip/format/product_scene.hpp"
#include "libstip/format/xml.hpp"
#include "libstip/raster/text.hpp"

namespace stip::landsat {

namespace {

/// The outermost group: of Collection 2, and of Collection 1 and before.
constexpr std::string_view root_group = "LANDSAT_METADATA_FILE";
constexpr std::string_view old_root_group = "L1_METADATA_FILE";

bool is_root(std::string_view name) {
  return name == root_group || name == old_root_group;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

tl::unexpected<error> malformed(const std::string& what, std::string why) {
  return fail(ec::malformed, "read " + what, std::move(why),
              "fetch the file again, it seems to be damaged");
}

}  // namespace

bool mtl::recognise(std::string_view beginning) {
  const auto first = trimmed(beginning);
  for (const auto root : {root_group, old_root_group}) {
    const auto at = first.find(root);
    if (at == std::string_view::npos) continue;
    const auto before = trimmed(first.substr(0, at));
    if (before.starts_with("GROUP") || before.starts_with('<') || before.starts_with('{'))
      return true;
  }
  return false;
}

result<mtl> mtl::parse(const std::string& text, const std::string& what) {
  const auto first = trimmed(text);
  auto out = first.starts_with('<')   ? parse_xml(text, what)
             : first.starts_with('{') ? parse_json(text, what)
                                      : parse_odl(text, what);
  if (out && out->items_.empty()) return malformed(what, "it has no items of Landsat metadata");
  return out;
}

result<void> mtl::add(std::string_view group, std::string_view key, std::string_view value,
                      const std::string& what) {
  if (items_.size() == max_items)
    return fail(ec::limit_exceeded, "read " + what,
                "it has more than " + std::to_string(max_items) + " items");
  items_.push_back({clean_text(group, defaults::max_name_bytes),
                    clean_text(key, defaults::max_name_bytes),
                    clean_text(value, defaults::max_property_bytes)});
  return {};
}

result<mtl> mtl::parse_odl(const std::string& text, const std::string& what) {
  mtl out;
  std::vector<std::string_view> open;
  bool ended = false;
  for (size_t from = 0; from < text.size() && !ended;) {
    const auto to = std::min(text.find('\n', from), text.size());
    const auto line = trimmed(std::string_view(text).substr(from, to - from));
    from = to + 1;
    if (line.empty()) continue;
    if (line == "END") {
      ended = true;
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
      return malformed(what, "a line is no item: " + clean_text(line, defaults::max_name_bytes));
    const auto key = trimmed(line.substr(0, equals));
    auto value = trimmed(line.substr(equals + 1));
    if (key == "GROUP") {
      if (open.size() == defaults::max_properties)
        return malformed(what, "its groups lie too deep");
      open.push_back(value);
    } else if (key == "END_GROUP") {
      if (open.empty() || open.back() != value) return malformed(what, "its groups do not match");
      open.pop_back();
    } else {
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      if (open.empty() || !is_root(open.front()))
        return malformed(what, "an item is in no group of Landsat metadata");
      STIP_TRY(out.add(open.back(), key, value, what));
    }
  }
  if (!open.empty()) return malformed(what, "it ends in the middle of a group");
  return out;
}

result<mtl> mtl::parse_xml(const std::string& text, const std::string& what) {
  STIP_ASSIGN(const auto xml, xml_document::parse(text, what));
  const auto root = xml.root();
  if (!is_root(root.name())) return malformed(what, "it is no Landsat metadata");
  mtl out;
  for (const auto group : root.children())
    for (const auto item : group.children())
      STIP_TRY(out.add(group.name(), item.name(), item.text(), what));
  return out;
}

result<mtl> mtl::parse_json(const std::string& text, const std::string& what) {
  const auto root = nlohmann::json::parse(text, nullptr, false);
  if (!root.is_object()) return malformed(what, "it is no JSON object");
  mtl out;
  for (const auto& [name, groups] : root.items()) {
    if (!is_root(name) || !groups.is_object()) continue;
    for (const auto& [group, items] : groups.items()) {
      if (!items.is_object()) continue;
      for (const auto& [key, value] : items.items()) {
        if (value.is_string())
          STIP_TRY(out.add(group, key, value.get_ref<const std::string&>(), what));
        else if (value.is_number())
          STIP_TRY(out.add(group, key, value.dump(), what));
      }
    }
  }
  return out;
}

std::string_view mtl::find(std::span<const std::string_view> groups, std::string_view key) const {
  for (const auto group : groups)
    for (const auto& one : items_)
      if (one.group == group && one.key == key && !one.value.empty()) return one.value;
  return {};
}

std::optional<double> mtl::number(std::initializer_list<std::string_view> groups,
                                  std::string_view key) const {
  return parse_number(find(groups, key));
}

std::optional<product_id> read_product_id(std::string_view name) {
  static const std::regex pattern(
      "(L([COTEM])0([1-9])_(L[12][A-Z0-9]{2})_(\\d{3})(\\d{3})_(\\d{8})"
      "(?:_(\\d{8})_(\\d{2})_(T1|T2|RT|A1|A2))?)(?:[_.].*)?");
  if (name.size() > defaults::max_name_bytes) return std::nullopt;
  const std::string text(name);
  std::smatch found;
  if (!std::regex_match(text, found, pattern)) return std::nullopt;
  product_id out;
  out.text = found[1];
  out.sensor = found[2].str().front();
  out.satellite = found[3].str().front() - '0';
  out.level = found[4];
  out.path = found[5];
  out.row = found[6];
  out.date = found[7];
  out.processed = found[8];
  out.collection = found[9];
  out.tier = found[10];
  return out;
}

}  // namespace stip::landsat
