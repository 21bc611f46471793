#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

struct CPLXMLNode;

// The little of XML that product metadata needs: elements by their local names, whatever the prefix
// of the namespace.

namespace stip {

/// An element; a view into its document. A default one is missing: it has no name, no text and no
/// children.
class xml_element {
 public:
  xml_element() = default;
  explicit xml_element(const CPLXMLNode* node) : node_(node) {}

  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// Without the prefix of its namespace.
  std::string_view name() const noexcept;
  /// Its own text, without blanks around it.
  std::string_view text() const noexcept;
  std::string_view attribute(std::string_view name) const noexcept;
  std::vector<xml_element> children() const;

  /// The first element of that name below this one, at any depth, in the order of the document; a
  /// missing one when there is none.
  xml_element find(std::string_view name) const;
  /// The elements of that name below this one, at any depth: max_found of them at most, since what
  /// is looked for in each may be the whole rest of a document that nests them.
  std::vector<xml_element> all(std::string_view name) const;
  static constexpr size_t max_found = 1'024;

 private:
  const CPLXMLNode* node_ = nullptr;
};

/// A parsed document.
class xml_document {
 public:
  /// `what` names the text in an error. Errors: malformed, with the parser's words.
  static result<xml_document> parse(const std::string& text, const std::string& what);

  xml_element root() const noexcept;

 private:
  struct deleter {
    void operator()(CPLXMLNode* node) const noexcept;
  };
  std::unique_ptr<CPLXMLNode, deleter> tree_;
};

}  // namespace stip
