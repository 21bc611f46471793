#include "libstip/cluster/task_letter.hpp"

#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t letter_form = 1;
enum class letter_kind : uint8_t { copy = 0, acknowledgement, question, lacks, verdicts };

/// Bytes of one letter at most: a copy's list of inputs, its reasons, and what else there is.
constexpr size_t max_letter_bytes =
    2 * (defaults::max_listed_bytes + defaults::max_copied_error_bytes +
         defaults::max_task_work_bytes) +
    (size_t{1} << 20);

void write(packed_writer& out, const part_key& key) {
  out.text(key.id).u64(key.origin);
}

void write(packed_writer& out, const part_stamp& stamp) {
  out.stamp(stamp.began).varint(stamp.epoch).u64(stamp.owner).varint(stamp.revision);
}

part_key read_key(packed_reader& in) {
  part_key out;
  out.id = in.text(defaults::max_task_id_bytes);
  out.origin = in.u64();
  return out;
}

part_stamp read_stamp(packed_reader& in) {
  part_stamp out;
  out.began = in.stamp();
  out.epoch = in.varint();
  out.owner = in.u64();
  out.revision = in.varint();
  return out;
}

struct letter_writer {
  packed_writer& out;
  carry what;

  void kind(letter_kind k) { out.u8(static_cast<uint8_t>(k)); }
  void operator()(const task_letter::copy& l) {
    kind(letter_kind::copy);
    out.text(encode(l.part, what));
  }
  void operator()(const task_letter::acknowledgement& l) {
    kind(letter_kind::acknowledgement);
    write(out, l.key);
    write(out, l.stamp);
    out.flag(l.wants_inputs);
  }
  void operator()(const task_letter::question& l) {
    kind(letter_kind::question);
    write(out, l.key);
    write(out, l.stamp);
  }
  void operator()(const task_letter::lacks& l) {
    kind(letter_kind::lacks);
    write(out, l.key);
  }
  void operator()(const task_letter::verdicts& l) {
    kind(letter_kind::verdicts);
    out.u8(static_cast<uint8_t>(l.now)).u64(l.fingerprint).text(encode(l.said));
  }
};

}  // namespace

std::string encode(const task_letter& letter, carry what) {
  packed_writer out;
  out.u8(letter_form);
  std::visit(letter_writer{out, what}, letter.content);
  return out.take();
}

result<task_letter> decode_task_letter(std::string_view bytes) {
  packed_reader in{"letter about tasks", bytes};
  in.expect_version(letter_form);
  task_letter out;
  std::string_view body;
  const auto kind = in.u8();
  switch (static_cast<letter_kind>(kind)) {
    case letter_kind::copy: {
      body = in.text(max_letter_bytes);
      STIP_TRY(in.finish());
      STIP_ASSIGN(auto part, decode_task_part(body));
      out.content = task_letter::copy{std::move(part)};
      return out;
    }
    case letter_kind::acknowledgement: {
      task_letter::acknowledgement l;
      l.key = read_key(in);
      l.stamp = read_stamp(in);
      l.wants_inputs = in.flag();
      out.content = std::move(l);
      break;
    }
    case letter_kind::question: {
      task_letter::question l;
      l.key = read_key(in);
      l.stamp = read_stamp(in);
      out.content = std::move(l);
      break;
    }
    case letter_kind::lacks:
      out.content = task_letter::lacks{read_key(in)};
      break;
    case letter_kind::verdicts: {
      task_letter::verdicts l;
      const auto step = in.u8();
      in.expect(step <= static_cast<uint8_t>(task_letter::verdicts::step::yours),
                "the step is unknown");
      l.now = static_cast<task_letter::verdicts::step>(step);
      l.fingerprint = in.u64();
      body = in.text(max_letter_bytes);
      STIP_TRY(in.finish());
      STIP_ASSIGN(l.said, decode_task_verdicts(body));
      out.content = std::move(l);
      return out;
    }
    default:
      in.expect(false, "the kind is unknown");
  }
  STIP_TRY(in.finish());
  return out;
}

}  // namespace stip
