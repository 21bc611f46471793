#include "apps/stipd/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>

namespace stip {

namespace {

/// The text of an event on one line.
class one_line : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& to) override {
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    const auto from = to.size();
    to.append(msg.payload.data(), msg.payload.data() + msg.payload.size());
    std::replace_if(to.data() + from, to.data() + to.size(), is_control, ' ');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<one_line>();
  }
};

/// Before the node has opened its directory, it has no id.
constexpr auto no_node_yet = "-";
/// %n is the logger's name, which is the node's id; %* the text.
constexpr auto pattern = "%Y-%m-%dT%H:%M:%S.%eZ %l node=%n %*";

}  // namespace

result<std::shared_ptr<spdlog::logger>> make_log(const log_settings& settings) {
  try {
    spdlog::sink_ptr sink;
    if (settings.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          settings.file, settings.file_bytes, settings.files);
    auto log = std::make_shared<spdlog::logger>(no_node_yet, std::move(sink));
    log->set_level(spdlog::level::from_str(settings.level));
    auto format = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    format->add_flag<one_line>('*').set_pattern(pattern);
    log->set_formatter(std::move(format));
    log->flush_on(spdlog::level::info);
    return log;
  } catch (const std::exception& e) {
    return fail(ec::io_error, "open log " + settings.file, e.what(), "check stip.log-file");
  }
}

}  // namespace stip
