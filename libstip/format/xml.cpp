#include "libstip/format/xml.hpp"

#include <cpl_minixml.h>

#include "libstip/raster/gdal_dataset.hpp"

namespace stip {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

std::string_view local(const char* name) {
  const std::string_view all = name == nullptr ? "" : name;
  const auto colon = all.find(':');
  return colon == std::string_view::npos ? all : all.substr(colon + 1);
}

const CPLXMLNode* next_element(const CPLXMLNode* node) {
  while (node != nullptr && (node->eType != CXT_Element || node->pszValue[0] == '?'))
    node = node->psNext;
  return node;
}

/// Visits the elements below a node in the order of the document, until `visit` says stop. Without
/// recursion: the depth is the file's to choose.
template <class Visit>
void walk(const CPLXMLNode* top, Visit visit) {
  if (top == nullptr) return;
  std::vector<const CPLXMLNode*> open;
  for (auto* node = next_element(top->psChild); node != nullptr || !open.empty();) {
    if (node == nullptr) {
      node = next_element(open.back()->psNext);
      open.pop_back();
      continue;
    }
    if (!visit(xml_element(node))) return;
    open.push_back(node);
    node = next_element(node->psChild);
  }
}

}  // namespace

std::string_view xml_element::name() const noexcept {
  return node_ == nullptr ? std::string_view() : local(node_->pszValue);
}

std::string_view xml_element::text() const noexcept {
  for (auto* child = node_ == nullptr ? nullptr : node_->psChild; child != nullptr;
       child = child->psNext)
    if (child->eType == CXT_Text) return trimmed(child->pszValue);
  return {};
}

std::string_view xml_element::attribute(std::string_view name) const noexcept {
  for (auto* child = node_ == nullptr ? nullptr : node_->psChild; child != nullptr;
       child = child->psNext)
    if (child->eType == CXT_Attribute && local(child->pszValue) == name &&
        child->psChild != nullptr)
      return trimmed(child->psChild->pszValue);
  return {};
}

std::vector<xml_element> xml_element::children() const {
  std::vector<xml_element> out;
  if (node_ == nullptr) return out;
  for (auto* child = next_element(node_->psChild); child != nullptr;
       child = next_element(child->psNext))
    out.emplace_back(child);
  return out;
}

xml_element xml_element::find(std::string_view name) const {
  xml_element out;
  walk(node_, [&](xml_element element) {
    if (element.name() != name) return true;
    out = element;
    return false;
  });
  return out;
}

std::vector<xml_element> xml_element::all(std::string_view name) const {
  std::vector<xml_element> out;
  walk(node_, [&](xml_element element) {
    if (element.name() == name) out.push_back(element);
    return out.size() < max_found;
  });
  return out;
}

void xml_document::deleter::operator()(CPLXMLNode* node) const noexcept {
  CPLDestroyXMLNode(node);
}

result<xml_document> xml_document::parse(const std::string& text, const std::string& what) {
  const gdal_errors errors;
  xml_document out;
  out.tree_.reset(CPLParseXMLString(text.c_str()));
  if (out.tree_ && !errors.failed() && out.root()) return out;
  const auto why = errors.text();
  return fail(ec::malformed, "read " + what, why.empty() ? "it is no XML document" : why,
              "fetch the file again, it seems to be damaged");
}

xml_element xml_document::root() const noexcept {
  return xml_element(next_element(tree_.get()));
}

}  // namespace stip
