#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

// Classes and flags: the codec of pixels that are names, not amounts. A block's few values stand in
// a table, the most frequent first, and each pixel is its rank in it; the bits of a rank that
// differ from the rank above are packed as vdpfor packs. The bytes are defined in
// docs/data-format.md, section "Blocks, classes", and do not depend on the machine.

namespace stip::classes {

/// A table has no more: four lookups of 16 bytes find a pixel.
inline constexpr size_t max_values = 64;

/// Pixels have at most so many bytes.
inline constexpr size_t max_word_bytes = 2;

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

/// The payload of pixels of 1 or 2 bytes, dense rows of `columns`; nothing when they have more than
/// max_values values. It lies in `space` until the next call.
std::span<const std::byte> encode(size_t word_bytes, std::span<const std::byte> pixels,
                                  size_t columns, workspace& space);

/// Fills `pixels` from a payload. Any payload is safe; false when it is not well-formed.
[[nodiscard]] bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
                          workspace& space, std::span<std::byte> pixels);

}  // namespace stip::classes
