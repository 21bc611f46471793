#include "libstip/raster/tiff_directory.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace stip {

namespace {

constexpr uint16_t classic_version = 42;
constexpr uint16_t big_version = 43;
/// Tags of a directory that is read at most, and bytes of a value.
constexpr uint16_t max_tags = 256;

/// Bytes of a value by TIFF's number of its type; 0: there is none.
constexpr std::array<uint8_t, 19> type_bytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                                8, 4, 8, 4, 0, 0, 8, 8, 8};

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const auto at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

template <class T>
tiff_values values_of(uint16_t type, const std::vector<T>& values) {
  tiff_values out{type, values.size(), std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(out.bytes.data(), values.data(), out.bytes.size());
  return out;
}

/// Values of more bytes than this stand behind the directory, on an even offset.
size_t inline_bytes(bool big) {
  return big ? 8 : 4;
}

uint64_t padded(uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

uint64_t table_bytes(const tiff_tags& tags, bool big) {
  return padded(big ? 8 + tags.size() * 20 + 8 : 2 + tags.size() * 12 + 4);
}

}  // namespace

tiff_values tiff_values::shorts(const std::vector<uint16_t>& values) {
  return values_of(3, values);
}
tiff_values tiff_values::longs(const std::vector<uint32_t>& values) {
  return values_of(4, values);
}
tiff_values tiff_values::long8s(const std::vector<uint64_t>& values) {
  return values_of(16, values);
}
tiff_values tiff_values::text(const std::string& value) {
  std::vector<char> chars(value.begin(), value.end());
  chars.push_back('\0');
  return values_of(2, chars);
}

result<tiff_tags> read_tiff_tags(std::span<const std::byte> file) {
  const auto refuse = [] { return fail(ec::malformed, "read a TIFF directory", "it is cut off"); };
  const auto number = [&]<class T>(uint64_t at, T& out) {
    if (at > file.size() || file.size() - at < sizeof(T)) return false;
    std::memcpy(&out, file.data() + at, sizeof(T));
    return true;
  };
  constexpr uint16_t own_order = std::endian::native == std::endian::little ? 0x4949 : 0x4d4d;
  uint16_t order = 0, version = 0, count = 0;
  uint32_t at = 0;
  if (!number(0, order) || !number(2, version) || !number(4, at) || !number(at, count))
    return refuse();
  if (order != own_order || version != classic_version || count > max_tags)
    return fail(ec::malformed, "read a TIFF directory", "it is no classic TIFF of this machine");
  tiff_tags out;
  for (uint16_t i = 0; i < count; ++i) {
    const uint64_t entry = uint64_t{at} + 2 + uint64_t{i} * 12;
    uint16_t tag = 0;
    uint32_t values = 0, offset = 0;
    tiff_values value;
    if (!number(entry, tag) || !number(entry + 2, value.type) || !number(entry + 4, values) ||
        !number(entry + 8, offset))
      return refuse();
    if (value.type >= type_bytes.size() || type_bytes[value.type] == 0) return refuse();
    value.count = values;
    const uint64_t bytes = value.count * type_bytes[value.type];
    const uint64_t from = bytes <= inline_bytes(false) ? entry + 8 : offset;
    if (from > file.size() || file.size() - from < bytes) return refuse();
    const auto* begin = file.data() + from;
    value.bytes.assign(begin, begin + bytes);
    out[tag] = std::move(value);
  }
  return out;
}

uint64_t directory_bytes(const tiff_tags& tags, bool big) {
  uint64_t out = table_bytes(tags, big);
  for (const auto& [tag, value] : tags)
    if (value.bytes.size() > inline_bytes(big)) out += padded(value.bytes.size());
  return out;
}

std::vector<std::byte> make_directory(const tiff_tags& tags, bool big, uint64_t offset,
                                      uint64_t next) {
  std::vector<std::byte> table, behind;
  const uint64_t values_at = offset + table_bytes(tags, big);
  if (big)
    put(table, static_cast<uint64_t>(tags.size()));
  else
    put(table, static_cast<uint16_t>(tags.size()));
  for (const auto& [tag, value] : tags) {
    put(table, tag);
    put(table, value.type);
    if (big)
      put(table, value.count);
    else
      put(table, static_cast<uint32_t>(value.count));
    if (value.bytes.size() <= inline_bytes(big)) {
      table.insert(table.end(), value.bytes.begin(), value.bytes.end());
      table.resize(table.size() + inline_bytes(big) - value.bytes.size());
      continue;
    }
    const uint64_t at = values_at + behind.size();
    if (big)
      put(table, at);
    else
      put(table, static_cast<uint32_t>(at));
    behind.insert(behind.end(), value.bytes.begin(), value.bytes.end());
    behind.resize(padded(behind.size()));
  }
  if (big)
    put(table, next);
  else
    put(table, static_cast<uint32_t>(next));
  table.resize(table_bytes(tags, big));
  table.insert(table.end(), behind.begin(), behind.end());
  return table;
}

std::vector<std::byte> make_tiff_header(bool big) {
  std::vector<std::byte> out;
  put(out, static_cast<uint16_t>(std::endian::native == std::endian::little ? 0x4949 : 0x4d4d));
  put(out, big ? big_version : classic_version);
  if (!big) {
    put(out, uint32_t{8});
    return out;
  }
  put(out, uint16_t{8});
  put(out, uint16_t{0});
  put(out, uint64_t{16});
  return out;
}

}  // namespace stip
