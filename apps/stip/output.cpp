#include "apps/stip/output.hpp"

#include <algorithm>
#include <ostream>

#include "apps/stip/human.hpp"
#include "apps/stip/terminal.hpp"

namespace stip::cli {

namespace {

constexpr int json_indent = 2;
constexpr double ms_per_second = 1000;
constexpr std::string_view column_gap = "  ";

bool is_right_aligned(shown_as as) {
  return as == shown_as::number || as == shown_as::bytes || as == shown_as::share ||
         as == shown_as::seconds;
}

/// Ids of objects, or texts, joined.
std::string joined(const json& list, std::string_view between) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += between;
    if (item.is_object())
      out += item.contains("id") ? item["id"].get<std::string>() : dump(item);
    else
      out += item.is_string() ? item.get<std::string>() : dump(item);
  }
  return out;
}

std::string exact(const json& value, std::string_view between) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return joined(value, between);
  return dump(value);
}

const json& member_of(const json& object, std::string_view name) {
  static const json nothing;
  const auto found = object.find(std::string{name});
  return found == object.end() ? nothing : *found;
}

std::string padded(const std::string& text, size_t width, bool right) {
  const auto has = shown_width(text);
  const std::string blanks(width > has ? width - has : 0, ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

std::string dump(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

result<output_format> parse_output_format(std::string_view name) {
  if (name == "table") return output_format::table;
  if (name == "json") return output_format::json;
  if (name == "csv") return output_format::csv;
  return fail(ec::invalid_argument, "--format " + std::string{name}, "there is no such format",
              "use table, json or csv");
}

std::string shown(const json& object, const column& c) {
  const auto& value = member_of(object, c.member);
  if (value.is_null()) return "-";
  std::string text;
  if (c.as == shown_as::bytes && value.is_number())
    text = human_bytes(value.get<uint64_t>());
  else if (c.as == shown_as::share && value.is_number())
    text = human_share(value.get<double>());
  else if (c.as == shown_as::seconds && value.is_number())
    text = human_duration(static_cast<int64_t>(value.get<double>() * ms_per_second));
  else if (c.as == shown_as::number && value.is_number_float())
    text = human_number(value.get<double>());
  else
    text = printable(exact(value, ","));
  return text.empty() ? "-" : text;
}

std::string csv_value(const json& object, const column& c) {
  const auto text = exact(member_of(object, c.member), " ");
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char ch : text) {
    if (ch == '"') quoted += '"';
    quoted += ch;
  }
  return quoted + '"';
}

// -- listing --------------------------------------------------------------------

listing::listing(output& to, std::vector<column> columns) : to_(to), columns_(std::move(columns)) {
  auto& out = to_.stream();
  if (to_.format() == output_format::json) {
    out << "[";
  } else if (to_.format() == output_format::csv) {
    if (to_.quiet()) return;
    for (size_t i = 0; i < columns_.size(); ++i) out << (i == 0 ? "" : ",") << columns_[i].member;
    out << "\n";
  } else {
    std::erase_if(columns_, [](const column& c) { return c.title.empty(); });
    widths_.resize(columns_.size());
  }
}

void listing::add(const json& object) {
  auto& out = to_.stream();
  if (to_.format() == output_format::json) {
    out << (std::exchange(begun_, true) ? ",\n " : "\n ") << dump(object);
    return;
  }
  if (to_.format() == output_format::csv) {
    for (size_t i = 0; i < columns_.size(); ++i)
      out << (i == 0 ? "" : ",") << csv_value(object, columns_[i]);
    out << "\n";
    return;
  }
  std::vector<std::string> row;
  row.reserve(columns_.size());
  for (const auto& c : columns_) row.push_back(shown(object, c));
  pending_.push_back(std::move(row));
}

void listing::flush_table() {
  if (!begun_) {
    if (!to_.quiet()) {
      std::vector<std::string> titles;
      for (const auto& c : columns_) titles.emplace_back(c.title);
      pending_.insert(pending_.begin(), std::move(titles));
    }
    for (const auto& row : pending_)
      for (size_t i = 0; i < row.size(); ++i)
        widths_[i] = std::max(widths_[i], shown_width(row[i]));
    begun_ = true;
  }
  auto& out = to_.stream();
  for (const auto& row : pending_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += column_gap;
      line += padded(row[i], widths_[i], is_right_aligned(columns_[i].as));
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out << line << "\n";
  }
  pending_.clear();
}

void listing::flush() {
  if (to_.is_table()) flush_table();
  to_.stream().flush();
}

void listing::finish() {
  if (to_.is_table()) flush_table();
  if (to_.format() == output_format::json) to_.stream() << (begun_ ? "\n]\n" : "]\n");
  to_.stream().flush();
}

// -- output ---------------------------------------------------------------------

void output::object(const json& value, const std::vector<column>& columns) {
  if (format_ == output_format::json) {
    *out_ << dump(value, json_indent) << std::endl;
    return;
  }
  if (format_ == output_format::csv) {
    listing row{*this, columns};
    row.add(value);
    row.finish();
    return;
  }
  size_t width = 0;
  for (const auto& c : columns) width = std::max(width, shown_width(c.title));
  for (const auto& c : columns)
    if (!c.title.empty())
      *out_ << padded(std::string{c.title}, width, false) << column_gap << shown(value, c) << "\n";
  out_->flush();
}

void output::note(std::string_view text) {
  if (is_table() && !quiet_) *out_ << text << std::endl;
}

void output::complain(std::string_view text) {
  *err_ << "stip: " << printable(text) << std::endl;
}

bool output::good() const {
  return out_->good() && !interrupted();
}

}  // namespace stip::cli
