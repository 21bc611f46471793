#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip::cli {

/// Members stand in the order in which they are documented.
using json = nlohmann::ordered_json;

enum class output_format : uint8_t { table, json, csv };

/// Errors: invalid_argument, with the names.
result<output_format> parse_output_format(std::string_view name);

/// How a value is shown in a table; JSON and CSV are exact.
enum class shown_as : uint8_t { text, number, bytes, share, seconds, ids };

/// A column of a table or of CSV: a member of the JSON objects that are listed.
struct column {
  /// The member's name; CSV has it as its header.
  std::string_view member;
  /// The table's header; empty: not in the table.
  std::string_view title;
  shown_as as = shown_as::text;
};

/// A value as a table shows it ("-" for null), and as CSV has it, quoted as RFC 4180 says.
std::string shown(const json& object, const column& c);
std::string csv_value(const json& object, const column& c);

class output;

/// A listing that is written while it comes: a table (aligned by the rows until the first flush),
/// CSV, or a JSON array. Nothing stays in memory beyond the rows since the last flush.
class listing {
 public:
  listing(output& to, std::vector<column> columns);
  void add(const json& object);
  /// Writes what has come; a table's columns keep their widths from the first time on.
  void flush();
  /// The end; must be called.
  void finish();

 private:
  void flush_table();

  output& to_;
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> pending_;
  std::vector<size_t> widths_;
  bool begun_ = false;
};

/// Where a command's answers go: table, JSON and CSV are made in this one place.
class output {
 public:
  output(std::ostream& out, std::ostream& err, output_format format, bool quiet)
      : out_(&out), err_(&err), format_(format), quiet_(quiet) {}

  output_format format() const { return format_; }
  bool quiet() const { return quiet_; }
  bool is_table() const { return format_ == output_format::table; }
  std::ostream& stream() { return *out_; }

  /// One object: the JSON document, a row of CSV, or in a table a line for each column.
  void object(const json& value, const std::vector<column>& columns);
  /// A remark for people: in table format only.
  void note(std::string_view text);
  /// One line on standard error: "stip: ...".
  void complain(std::string_view text);
  void complain(const error& err) { complain(to_string(err)); }

  /// False when the reader is gone, the disk is full, or the shell's user pressed Ctrl-C: listing
  /// on is useless.
  bool good() const;

 private:
  std::ostream* out_;
  std::ostream* err_;
  output_format format_;
  bool quiet_;
};

/// The document, with bytes that are no UTF-8 replaced.
std::string dump(const json& value, int indent = -1);

}  // namespace stip::cli
