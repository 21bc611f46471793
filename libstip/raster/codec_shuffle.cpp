#include "libstip/raster/codec_shuffle.hpp"

#include <algorithm>
#include <cstdint>

#include "libstip/raster/codec_words.hpp"

namespace stip::shuffle {

namespace {

/// Words that pass through the first-level cache at a time.
constexpr size_t chunk_words = 1024;

/// Words [begin, begin + count) of `total`, which lie at `in`, to their places in `out`.
template <class T>
void split_chunk(const word_at<T>* in, size_t begin, size_t count, size_t total, std::byte* out) {
  for (size_t byte = 0; byte < sizeof(T); ++byte) {
    auto* __restrict plane = reinterpret_cast<uint8_t*>(out) + byte * total + begin;
    for (size_t i = 0; i < count; ++i) plane[i] = static_cast<uint8_t>(in[i] >> (8 * byte));
  }
}

template <class T>
void join_chunk(const std::byte* in, size_t begin, size_t count, size_t total, word_at<T>* out) {
  const auto* planes = reinterpret_cast<const uint8_t*>(in) + begin;
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    T word = 0;
    for (size_t byte = 0; byte < sizeof(T); ++byte)
      word = static_cast<T>(word |
                            static_cast<T>(static_cast<T>(planes[byte * total + i]) << (8 * byte)));
    out[i] = word;
  }
}

}  // namespace

void split(size_t word_bytes, std::span<const std::byte> words, std::span<std::byte> out) noexcept {
  with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    const auto* in = words_at<T>(words.data());
    const size_t total = words.size() / sizeof(T);
    for (size_t at = 0; at < total; at += chunk_words)
      split_chunk<T>(in + at, at, std::min(chunk_words, total - at), total, out.data());
  });
}

void join(size_t word_bytes, std::span<const std::byte> bytes,
          std::span<std::byte> words) noexcept {
  with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    auto* out = words_at<T>(words.data());
    const size_t total = words.size() / sizeof(T);
    for (size_t at = 0; at < total; at += chunk_words)
      join_chunk<T>(bytes.data(), at, std::min(chunk_words, total - at), total, out + at);
  });
}

void split_differences(size_t word_bytes, std::span<const std::byte> words, size_t columns,
                       std::span<std::byte> out) noexcept {
  with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    const auto* in = words_at<T>(words.data());
    const size_t total = words.size() / sizeof(T);
    T chunk[chunk_words];
    for (size_t at = 0; at < total; at += chunk_words) {
      const size_t count = std::min(chunk_words, total - at);
      take_differences<T>(in, at, count, columns, chunk);
      split_chunk<T>(words_at<T>(chunk), at, count, total, out.data());
    }
  });
}

void join_differences(size_t word_bytes, std::span<const std::byte> bytes, size_t columns,
                      std::span<std::byte> words) noexcept {
  with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    auto* out = words_at<T>(words.data());
    const size_t total = words.size() / sizeof(T);
    T chunk[chunk_words];
    for (size_t at = 0; at < total; at += chunk_words) {
      const size_t count = std::min(chunk_words, total - at);
      join_chunk<T>(bytes.data(), at, count, total, words_at<T>(chunk));
      put_differences<T>(chunk, at, count, columns, out);
    }
  });
}

}  // namespace stip::shuffle
