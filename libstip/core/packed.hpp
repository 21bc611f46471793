#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libstip/core/clock.hpp"
#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

/// Writes a packed binary form; everything of ours that has one (messages, LMDB values) is written
/// with it and read with packed_reader. Integers are little-endian; a varint is LEB128 (seven bits
/// a byte, the lowest first, in as few bytes as it takes); a text is its length as a varint and its
/// bytes. A form begins with a version byte of its own.
///
///     packed_writer out;
///     out.u8(1).text(name).varint(count);
///     return out.take();
class packed_writer {
 public:
  packed_writer& u8(uint8_t value);
  packed_writer& u16(uint16_t value);
  packed_writer& u32(uint32_t value);
  packed_writer& u64(uint64_t value);
  packed_writer& i64(int64_t value);
  /// The IEEE 754 bit pattern: every value, NaN included, comes back as it was.
  packed_writer& f32(float value);
  packed_writer& f64(double value);
  /// One byte, 0 or 1.
  packed_writer& flag(bool value);
  packed_writer& varint(uint64_t value);
  /// A varint of the zig-zag form: small for small numbers of either sign.
  packed_writer& signed_varint(int64_t value);
  packed_writer& text(std::string_view value);
  packed_writer& hash(const hash128& value);
  packed_writer& stamp(const version& value);

  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  /// What was written; the writer is empty afterwards.
  std::string take();

 private:
  std::string bytes_;
};

/// Reads what packed_writer wrote, from bytes that may be hostile. A read that does not fit gives
/// zero or an empty text, and so does every read after it; `finish` tells whether all was well.
/// So a decoder reads straight on and looks once at the end, provided that it sizes its loops and
/// allocations by `count`, which never promises more than the bytes that are there can hold.
///
///     packed_reader in{"album", bytes};
///     in.expect_version(1);
///     album a;
///     a.name = in.text(defaults::max_album_name_bytes);
///     STIP_TRY(in.finish());
///     return a;
class packed_reader {
 public:
  /// `what` names the form in errors ("read album"). Both texts must outlive the reader.
  packed_reader(std::string_view what, std::string_view bytes) : what_(what), bytes_(bytes) {}

  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  uint64_t u64();
  int64_t i64();
  float f32();
  double f64();
  /// Refuses a byte other than 0 and 1.
  bool flag();
  /// Refuses a number above `most`, and one that is written longer than necessary.
  uint64_t varint(uint64_t most = UINT64_MAX);
  int64_t signed_varint();
  /// A view into the bytes; refuses a text longer than `most_bytes`.
  std::string_view text(size_t most_bytes);
  hash128 hash();
  version stamp();

  /// A varint that counts elements of at least `least_bytes_each` (1 or more) bytes that follow:
  /// refuses more than `most`, and more than the rest of the bytes can hold.
  size_t count(size_t most, size_t least_bytes_each);

  /// Reads the version byte and refuses any other than `known`.
  void expect_version(uint8_t known);
  /// The same where several are known, from 1 on; which one it is.
  uint8_t expect_version_up_to(uint8_t newest);

  /// Refuses the form with this reason unless `holds`: the decoder's own checks.
  void expect(bool holds, std::string_view why);

  /// Nothing was refused so far.
  bool ok() const { return why_.empty(); }
  size_t remaining() const { return bytes_.size() - at_; }

  /// Success if nothing was refused and no byte is left; else malformed, with place and reason.
  result<void> finish();

 private:
  /// Takes `n` bytes off the front; null when they are not there or something was refused before.
  const unsigned char* take(size_t n);
  template <class Integer>
  Integer integer();

  std::string_view what_;
  std::string_view bytes_;
  size_t at_ = 0;
  std::string why_;
};

}  // namespace stip
