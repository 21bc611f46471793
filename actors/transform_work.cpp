#include "actors/transform_work.hpp"

#include "libstip/core/packed.hpp"

namespace stip {

namespace {
constexpr uint8_t transform_work_form = 2;
/// No kind has more.
constexpr size_t most_options = 64;
}  // namespace

std::string encode(const transform_work& work) {
  const auto& r = work.request;
  packed_writer out;
  out.u8(transform_work_form).hash(work.album_uid);
  out.text(r.kind).text(r.album).text(encode(r.match)).signed_varint(r.precision);
  out.varint(r.options.size());
  for (const auto& [name, value] : r.options) out.text(name).text(value);
  out.u32(r.threads).text(r.task);
  return out.take();
}

result<transform_work> decode_transform_work(std::string_view bytes) {
  packed_reader in{"work of a transform task", bytes};
  in.expect_version(transform_work_form);
  transform_work out;
  auto& r = out.request;
  constexpr auto most = defaults::max_task_work_bytes;
  out.album_uid = in.hash();
  r.kind = in.text(most);
  r.album = in.text(most);
  const auto match = in.text(most);
  const auto precision = in.signed_varint();
  in.expect(precision == static_cast<int32_t>(precision), "the precision is no precision");
  r.precision = static_cast<int32_t>(precision);
  for (auto left = in.count(most_options, 2); left > 0; --left) {
    const auto name = in.text(most);
    r.options[std::string(name)] = in.text(most);
  }
  r.threads = in.u32();
  r.task = in.text(most);
  STIP_TRY(in.finish());
  STIP_ASSIGN(r.match, decode_filter(match));
  return out;
}

}  // namespace stip
