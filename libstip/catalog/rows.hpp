#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/image.hpp"

namespace stip {

/// One subdataset of an image, as listings show it.
struct subdataset_row {
  std::string id;
  pixel_type type = pixel_type::uint8;
  std::vector<std::string> bands;
  uint32_t width = 0;
  uint32_t height = 0;
  double pixel_coverage = 0;
  /// Bytes as stored.
  uint64_t bytes = 0;
  hash128 scene;
  hash128 content;

  bool operator==(const subdataset_row&) const = default;
};

/// One image with everything that `image list` prints.
struct image_row {
  image_key key;
  double pixel_coverage = 0;
  std::optional<double> cloud_coverage;
  /// The version of its oldest chip: of two images of one key the greater one is the newer.
  version written;
  std::map<std::string, std::string> properties;
  std::vector<subdataset_row> subdatasets;
  /// Ids of the nodes that hold it.
  std::vector<std::string> nodes;

  bool operator==(const image_row&) const = default;
  image_facts facts() const { return {key, pixel_coverage, cloud_coverage}; }
};

/// Counts of images by geocode (cut), platform, precision and source.
struct extent_row {
  std::string geocode;
  std::string platform;
  std::string source;
  uint32_t precision = 0;
  uint64_t count = 0;

  bool operator==(const extent_row&) const = default;
};

/// Rows as one packed columnar buffer (what travels in a message; row_columns.cpp and rows.cpp have
/// the bytes); what repeats is stored once. Decoding checks every length and coverage, and refuses
/// a buffer that would expand past defaults::max_decoded_rows_bytes. Errors: malformed.
std::string encode_rows(const std::vector<image_row>& rows);
result<std::vector<image_row>> decode_image_rows(std::string_view bytes);
std::string encode_rows(const std::vector<extent_row>& rows);
result<std::vector<extent_row>> decode_extent_rows(std::string_view bytes);

/// One node's page of image rows, packed.
struct rows_page {
  std::string rows;
  /// The node has more rows after the last one.
  bool more = false;
};

/// Merges pages of several nodes into one sorted page, once per image, at most `limit` rows,
/// without unpacking them row by row. Of rows with equal keys the newest wins, then the one with
/// more subdatasets, then the one whose cloud coverage is known, then a fixed choice by content; the nodes of all are
/// united and sorted. Rows that stand after the last row of a page that has more are left out,
/// since the rows before them are not known yet. The answer does not depend on the order of the
/// pages or of the rows within them. Errors: malformed.
result<rows_page> merge_pages(std::vector<rows_page> pages, sort_field order, size_t limit);

/// Adds up the counts of several nodes, sorted by geocode, platform, precision and source. Each
/// image must have been counted by one node (see image_index::extents).
std::vector<extent_row> merge_rows(std::vector<std::vector<extent_row>> pages);

}  // namespace stip
