#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

// The metadata of a Landsat product (MTL) in its three forms: ODL text, XML and JSON, which say the
// same. Landsat 8-9 Collection 2 Level 1 and 2 Data Format Control Books (LSDS-1822, LSDS-1328).

namespace stip::landsat {

/// The items of an MTL: a value is found by its group and key, since products of level 2 repeat the
/// keys of level 1.
class mtl {
 public:
  /// Whether a text begins as an MTL does, in any form.
  static bool recognise(std::string_view beginning);

  /// Reads any of the forms. `what` names the text in an error. Errors: malformed;
  /// limit_exceeded beyond max_items.
  static result<mtl> parse(const std::string& text, const std::string& what);

  /// The first value of the key in the first of these groups that has it; empty when none does.
  std::string_view find(std::span<const std::string_view> groups, std::string_view key) const;
  std::string_view find(std::initializer_list<std::string_view> groups,
                        std::string_view key) const {
    return find(std::span(groups.begin(), groups.size()), key);
  }
  std::optional<double> number(std::initializer_list<std::string_view> groups,
                               std::string_view key) const;

  struct item {
    std::string group;
    std::string key;
    std::string value;
  };
  const std::vector<item>& items() const noexcept { return items_; }

  /// Items at most; a product has about 400.
  static constexpr size_t max_items = 8'192;

 private:
  static result<mtl> parse_odl(const std::string& text, const std::string& what);
  static result<mtl> parse_xml(const std::string& text, const std::string& what);
  static result<mtl> parse_json(const std::string& text, const std::string& what);
  result<void> add(std::string_view group, std::string_view key, std::string_view value,
                   const std::string& what);

  std::vector<item> items_;
};

/// What a product's identifier says: LXSS_LLLL_PPPRRR_YYYYMMDD_yyyymmdd_CC_TX. Names of files may
/// end after the date.
struct product_id {
  /// 'C' OLI and TIRS, 'O' OLI, 'T' TIRS or TM, 'E' ETM+, 'M' MSS
  char sensor = 0;
  int satellite = 0;
  /// "L1TP", "L2SP", ...
  std::string level;
  std::string path;
  std::string row;
  /// "20190114"
  std::string date;
  /// "20200830", "02", "T2"; empty when the name is short.
  std::string processed;
  std::string collection;
  std::string tier;
  /// The text itself, as far as it was read.
  std::string text;
};

/// Reads an identifier at the beginning of a name; what follows must be its end or '_' or '.'.
std::optional<product_id> read_product_id(std::string_view name);

}  // namespace stip::landsat
