#include <bit>

#include "libstip/raster/codec_group.hpp"

namespace stip::vdpfor {

namespace {

/// The kernels that encode_groups and decode_groups ask for, one word at a time and as plain as can
/// be: the vector code is tested against them.
template <class T, class Relation, charge Charge>
struct scalar_kernels {
  using relation = Relation;

  static void take_differences(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                               T* out) {
    stip::take_differences<T, Relation>(words, begin, count, columns, out);
  }

  static size_t put_differences(const T* in, size_t begin, size_t count, size_t columns,
                                word_at<T>* words) {
    stip::put_differences<T, Relation>(in, begin, count, columns, words);
    return count;
  }

  static size_t nonzero(const T* values) {
    return group_values - static_cast<size_t>(std::count(values, values + group_values, T{0}));
  }

  static slice_mask<T> slices(const T* values) {
    slice_mask<T> mask = 0;
    for (size_t i = 0; i < group_values; ++i)
      if (values[i] != 0) mask = static_cast<T>(mask | T{1} << (i / lanes<T>));
    return mask;
  }

  static layout choose(const T* values, size_t count) {
    size_t of_width[bits_of<T> + 1] = {};
    size_t widest = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto width = static_cast<size_t>(std::bit_width(values[i]));
      ++of_width[width];
      widest = std::max(widest, width);
    }
    layout best{widest, 0, 0};
    size_t exceptions = 0;
    for (size_t width = widest; width-- > 0;) {
      exceptions += of_width[width + 1];
      const layout how{width, exceptions, (widest - width + 7) / 8};
      if (exceptions <= max_sought_exceptions &&
          group_cost<T, Charge>(how, count) < group_cost<T, Charge>(best, count))
        best = how;
    }
    return best;
  }

  static void wider(const T* values, size_t width, uint64_t* out) {
    std::fill(out, out + group_values / 64, 0);
    for (size_t i = 0; i < group_values; ++i)
      if (static_cast<size_t>(std::bit_width(values[i])) > width)
        out[i / 64] |= uint64_t{1} << (i % 64);
  }

  static void pack(const T* values, size_t width, std::byte* out) {
    for (size_t lane = 0; lane < lanes<T>; ++lane) {
      auto* row = words_at<T>(out) + lane;
      T word = 0;
      size_t shift = 0;
      for (size_t i = 0; width > 0 && i < bits_of<T>; ++i) {
        const T value = values[i * lanes<T> + lane] & low_mask<T>(width);
        word = static_cast<T>(word | static_cast<T>(value << shift));
        shift += width;
        if (shift < bits_of<T>) continue;
        *row = word;
        row += lanes<T>;
        shift -= bits_of<T>;
        word = shift == 0 ? T{0} : static_cast<T>(value >> (width - shift));
      }
    }
  }

  static size_t count_slices(slice_mask<T> mask) {
    return static_cast<size_t>(std::popcount(mask));
  }

  static void expand(const T* in, slice_mask<T> mask, T* values) {
    vdpfor::expand<T>(in, mask, values);
  }

  static void unpack(const std::byte* in, size_t width, T* values) {
    const T mask = low_mask<T>(width);
    for (size_t lane = 0; lane < lanes<T>; ++lane)
      for (size_t i = 0; i < bits_of<T>; ++i) {
        const size_t bit = i * width;
        const size_t shift = bit % bits_of<T>;
        const auto* word = words_at<T>(in) + bit / bits_of<T> * lanes<T> + lane;
        T value = 0;
        if (width > 0) value = static_cast<T>(*word >> shift);
        if (shift + width > bits_of<T>)
          value = static_cast<T>(value | static_cast<T>(word[lanes<T>] << (bits_of<T> - shift)));
        values[i * lanes<T> + lane] = value & mask;
      }
  }
};

}  // namespace

namespace scalar {

size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) noexcept {
  return with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    return encode_groups<T, scalar_kernels<T, difference<T>, charge_of<T>>>(pixels, columns,
                                                                            out.data());
  });
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
            std::span<std::byte> pixels) noexcept {
  return with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    return decode_groups<T, scalar_kernels<T, difference<T>, charge_of<T>>>(payload, columns,
                                                                            pixels);
  });
}

template <charge Charge>
using change_kernels = scalar_kernels<uint8_t, change<uint8_t>, Charge>;

size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) noexcept {
  return word_bytes == 1
             ? encode_groups<uint8_t, change_kernels<of_bytes>>(ranks, columns, out.data())
             : encode_groups<uint8_t, change_kernels<of_ranks_of_words>>(ranks, columns,
                                                                         out.data());
}

bool decode_changes(std::span<const std::byte> payload, size_t columns,
                    std::span<std::byte> ranks) noexcept {
  return decode_groups<uint8_t, change_kernels<of_bytes>>(payload, columns, ranks);
}

}  // namespace scalar

}  // namespace stip::vdpfor
