#include "tests/support/simulation/node_calls.hpp"

#include "libstip/core/packed.hpp"

namespace stip::sim {

namespace {

constexpr uint8_t request = 0, answer_good = 1, answer_bad = 2;
constexpr size_t max_text = size_t{1} << 30;

}  // namespace

void node_calls::ask(const std::string& address, word what, std::string_view body,
                     int64_t deadline_ms, reply done) {
  const auto number = next_++;
  packed_writer out;
  out.u8(request).u64(number).u8(uint8_t(what)).text(own_address_).text(body);
  const auto until = host_->now_ms() + deadline_ms;
  waiting_.emplace(number, waiting{std::move(done), until});
  deadlines_.emplace(until, number);
  bring(address, out.take());
}

void node_calls::received(std::string_view bytes) {
  packed_reader in{"call", bytes};
  const auto kind = in.u8();
  const auto number = in.u64();
  if (kind == answer_good) return finish(number, std::string(in.text(max_text)));
  if (kind == answer_bad) {
    const auto code = static_cast<ec>(in.u8());
    return finish(number, fail(code, "ask", std::string(in.text(max_text))));
  }
  const auto what = static_cast<word>(in.u8());
  const std::string address{in.text(max_text)};
  const auto body = in.text(max_text);
  handle_(what, body, [this, number, address](result<std::string> outcome) {
    packed_writer out;
    if (outcome)
      out.u8(answer_good).u64(number).text(*outcome);
    else
      out.u8(answer_bad).u64(number).u8(uint8_t(outcome.error().code)).text(outcome.error().why);
    bring(address, out.take());
  });
}

void node_calls::tick() {
  for (auto left = to_itself_.size(); left > 0; --left) {
    const auto bytes = std::move(to_itself_.front());
    to_itself_.pop_front();
    received(bytes);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= host_->now_ms())
    finish(deadlines_.begin()->second, fail(ec::timeout, "ask", "no answer"));
}

int64_t node_calls::due_ms() const {
  if (!to_itself_.empty()) return host_->now_ms();
  return deadlines_.empty() ? INT64_MAX : deadlines_.begin()->first;
}

void node_calls::bring(const std::string& address, std::string bytes) {
  if (address == own_address_)
    to_itself_.push_back(std::move(bytes));
  else
    host_->send(address, std::move(bytes));
}

void node_calls::finish(uint64_t number, result<std::string> outcome) {
  const auto at = waiting_.find(number);
  if (at == waiting_.end()) return;
  deadlines_.erase({at->second.until_ms, number});
  const auto done = std::move(at->second.done);
  waiting_.erase(at);
  done(std::move(outcome));
}

}  // namespace stip::sim
