#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

// Byte planes: the codec of floats, masks and classes. The lowest bytes of all words are a plane,
// then their second bytes, and so on; each plane is kept in the way that suits it, so that noise
// costs no time and what repeats no space. The bytes are defined in docs/data-format.md, section
// "Blocks, planes".

namespace stip::planes {

/// A word has at most this many bytes.
inline constexpr size_t max_planes = 8;

/// How a plane is kept. The numbers stand in files: never renumber.
enum class plane_kind : uint8_t {
  raw = 0,
  /// One byte, which all others equal.
  constant = 1,
  lz4 = 2,
  zstd = 3,
};

/// What is to be done with a block.
struct plan {
  /// Planes of the differences with the word above instead of the words themselves.
  bool differences = false;
  std::array<plane_kind, max_planes> kinds{};
};

/// Rows of words, dense, at any alignment.
struct word_view {
  size_t word_bytes = 1;
  size_t columns = 1;
  std::span<const std::byte> bytes;

  size_t rows() const noexcept { return bytes.size() / (word_bytes * columns); }
};

/// Memory that is reused from block to block; belongs to one thread at a time.
class workspace {
 public:
  workspace();
  ~workspace();
  workspace(workspace&&) noexcept;
  workspace& operator=(workspace&&) noexcept;

  struct state;
  state& get();

 private:
  std::unique_ptr<state> state_;
};

/// What a sample of the rows suggests.
struct advice {
  plan how;
  /// Planes take less of the sample than vdpfor and raw pixels, by enough to decode more slowly.
  bool better = false;
};

/// Whether at least half of the words equal the word above, judged by some rows: classes, masks,
/// quality flags.
bool changes_rarely(const word_view& words) noexcept;

/// Tries planes, of the differences or of the words, and vdpfor on some of the rows. Depends on the
/// words alone.
advice consider(const word_view& words, bool differences, workspace& space);

/// The payload, or nothing when it would have more than `limit` bytes. It lies in `space` until the
/// next call.
std::span<const std::byte> encode(const word_view& words, const plan& how, size_t limit,
                                  workspace& space);

/// Fills `words` from a payload. Any payload is safe; false when it is not well-formed.
[[nodiscard]] bool decode(std::span<const std::byte> payload, size_t word_bytes, size_t columns,
                          bool differences, workspace& space, std::span<std::byte> words);

}  // namespace stip::planes
