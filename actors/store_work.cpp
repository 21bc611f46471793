#include "actors/store_work.hpp"

#include "libstip/core/packed.hpp"

namespace stip {

namespace {
constexpr uint8_t store_work_form = 2;
}

std::string encode(const store_work& work) {
  const auto& r = work.request;
  packed_writer out;
  out.u8(store_work_form).hash(work.album_uid);
  out.text(r.album).text(r.glob).text(r.format).signed_varint(r.precision).u32(r.threads);
  out.text(r.task).flag(r.all_nodes).flag(r.cloud);
  for (const auto* text : {&r.platform, &r.timestamp, &r.tile, &r.subdataset}) out.text(*text);
  return out.take();
}

result<store_work> decode_store_work(std::string_view bytes) {
  packed_reader in{"work of a store task", bytes};
  in.expect_version(store_work_form);
  store_work out;
  auto& r = out.request;
  constexpr auto most = defaults::max_task_work_bytes;
  out.album_uid = in.hash();
  r.album = in.text(most);
  r.glob = in.text(most);
  r.format = in.text(most);
  const auto precision = in.signed_varint();
  in.expect(precision == static_cast<int32_t>(precision), "the precision is no precision");
  r.precision = static_cast<int32_t>(precision);
  r.threads = in.u32();
  r.task = in.text(most);
  r.all_nodes = in.flag();
  r.cloud = in.flag();
  for (auto* text : {&r.platform, &r.timestamp, &r.tile, &r.subdataset}) *text = in.text(most);
  STIP_TRY(in.finish());
  return out;
}

}  // namespace stip
