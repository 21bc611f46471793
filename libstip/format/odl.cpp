#include "libstip/format/odl.hpp"

#include <algorithm>

namespace stip {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

/// Reads statements NAME=VALUE, one after the other; a value in brackets or quotation marks may go
/// over several lines.
class reader {
 public:
  explicit reader(std::string_view text) : text_(text.substr(0, text.find('\0'))) {}

  /// The next statement; false at the end of the text.
  bool next(std::string_view& name, std::string_view& value) {
    at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size());
    if (at_ == text_.size()) return false;
    const auto line_end = std::min(text_.find('\n', at_), text_.size());
    const auto equals = text_.find('=', at_);
    if (equals >= line_end) {
      name = trimmed(text_.substr(at_, line_end - at_));
      value = {};
      at_ = line_end;
      return true;
    }
    name = trimmed(text_.substr(at_, equals - at_));
    const auto end = end_of_value(equals + 1);
    value = trimmed(text_.substr(equals + 1, end - equals - 1));
    at_ = end;
    return true;
  }

  size_t line() const {
    return 1 + static_cast<size_t>(std::count(
                   text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
  }

 private:
  size_t end_of_value(size_t from) const {
    int depth = 0;
    bool quoted = false;
    for (size_t i = from; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '\n' && depth <= 0) return i;
    }
    return text_.size();
  }

  const std::string_view text_;
  size_t at_ = 0;
};

std::vector<std::string> values_of(std::string_view text) {
  std::vector<std::string> out;
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') {
    out.push_back(unquoted(text));
    return out;
  }
  text = text.substr(1, text.size() - 2);
  bool quoted = false;
  size_t from = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ',')) continue;
    out.push_back(unquoted(text.substr(from, i - from)));
    from = i + 1;
  }
  return out;
}

}  // namespace

const odl_node* odl_node::child(std::string_view wanted) const noexcept {
  const auto at = std::find_if(children.begin(), children.end(),
                               [&](const odl_node& node) { return node.name == wanted; });
  return at == children.end() ? nullptr : &*at;
}

std::vector<std::string> odl_node::list(std::string_view wanted) const {
  const auto at = std::find_if(values.begin(), values.end(),
                               [&](const auto& one) { return one.first == wanted; });
  return at == values.end() ? std::vector<std::string>{} : at->second;
}

std::string odl_node::value(std::string_view wanted) const {
  const auto all = list(wanted);
  return all.empty() ? std::string() : all.front();
}

result<odl_node> parse_odl(std::string_view text) {
  constexpr auto what = "read the structure of a HDF-EOS file";
  const auto limit = [&](const char* why) { return fail(ec::limit_exceeded, what, why); };
  if (text.size() > max_odl_bytes) return limit("its text is too long");
  reader in(text);
  const auto wrong = [&](const std::string& why) {
    return fail(ec::malformed, what, "line " + std::to_string(in.line()) + ": " + why);
  };
  // Nodes that are not closed yet; a closed one moves into the one before.
  std::vector<odl_node> open(1);
  size_t items = 0;
  std::string_view name, value;
  while (in.next(name, value)) {
    if (name == "END") break;
    if (name == "GROUP" || name == "OBJECT") {
      if (open.size() > max_odl_depth) return limit("its groups are nested too deeply");
      open.emplace_back();
      open.back().name = unquoted(value);
      ++items;
    } else if (name == "END_GROUP" || name == "END_OBJECT") {
      if (open.size() < 2) return wrong("a group ends that has not begun");
      if (!value.empty() && unquoted(value) != open.back().name)
        return wrong("another group ends than has begun");
      auto closed = std::move(open.back());
      open.pop_back();
      open.back().children.push_back(std::move(closed));
    } else if (name.empty()) {
      return wrong("a value without a name");
    } else {
      auto all = values_of(value);
      items += all.size();
      open.back().values.emplace_back(std::string(name), std::move(all));
    }
    if (items > max_odl_items) return limit("it has too many values");
  }
  if (open.size() != 1) return wrong("a group does not end");
  return std::move(open.front());
}

}  // namespace stip
