#include "apps/stip/session.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <iostream>
#include <set>
#include <thread>

#include "actors/network.hpp"
#include "apps/stip/help.hpp"
#include "apps/stip/parse.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

std::shared_ptr<spdlog::logger> make_logger(bool verbose) {
  spdlog::sink_ptr sink;
  if (verbose)
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::null_sink_mt>();
  return std::make_shared<spdlog::logger>("stip", std::move(sink));
}

/// A node that has just started knows itself a moment later.
result<void> await_node(const client& node) {
  const auto until = std::chrono::steady_clock::now() + defaults::embedded_start_deadline;
  while (true) {
    const auto seen = node.nodes();
    if (seen && !seen->empty()) return {};
    if (std::chrono::steady_clock::now() >= until)
      return fail(ec::timeout, "start the embedded node",
                  seen ? "it does not come up" : to_string(seen.error()));
    std::this_thread::sleep_for(defaults::stop_poll_interval);
  }
}

int status_of(const error& err, bool unreachable) {
  if (unreachable) return exit_status::unreachable;
  return err.code == ec::invalid_argument ? wrong_usage : failed;
}

}  // namespace

result<client*> session::connect(access needed) {
  if (client_ && (!global_.embedded || opened_ >= needed)) return &*client_;
  close();
  STIP_TRY(global_.embedded ? start_node(needed) : dial_node(defaults::dial_deadline));
  opened_ = needed;
  return &*client_;
}

result<client> session::connect_soon(std::chrono::milliseconds most) {
  if (!client_) {
    // Whether a command reached its node is another matter.
    const bool said = unreachable_;
    auto there = global_.embedded ? start_node(access::read) : dial_node(most);
    unreachable_ = said;
    STIP_TRY(std::move(there));
    opened_ = access::read;
  }
  return client_->hurried(most);
}

void session::close() {
  client_.reset();
  node_.reset();
  system_.reset();
  config_.reset();
  opened_ = access::none;
}

result<void> session::dial_node(std::chrono::milliseconds deadline) {
  config_ = std::make_unique<system_config>(system_config::networking::on);
  config_->set("scheduler.max-threads", static_cast<int64_t>(defaults::client_threads));
  system_ = std::make_unique<caf::actor_system>(*config_);
  auto handles = dial(*system_, global_.host, global_.port, static_cast<int>(deadline.count()));
  unreachable_ = !handles;
  if (!handles) {
    auto err = std::move(handles).error();
    close();
    err.advice += (err.advice.empty() ? "" : ", ") + std::string{"or use --embedded DIR"};
    return fail(std::move(err));
  }
  client_.emplace(*system_, std::move(*handles));
  here_ = {global_.host, global_.port};
  return {};
}

void session::note_others() {
  if (!client_ || global_.embedded) return;
  const auto members = client_->members();
  if (!members) return;
  others_.clear();
  for (const auto& m : *members) others_.emplace_back(m.info.host, m.info.port);
}

result<std::string> session::move_on() {
  for (const auto& [host, port] : others_) {
    if (!system_ || std::pair{host, port} == here_) continue;
    auto handles = dial(*system_, host, port, static_cast<int>(defaults::dial_deadline.count()));
    if (!handles) continue;
    client_.emplace(*system_, std::move(*handles));
    here_ = {host, port};
    return host + ":" + std::to_string(port);
  }
  return fail(ec::unavailable, "connect to another node", "none of those that are known answers");
}

result<void> session::start_node(access needed) {
  config_ = std::make_unique<system_config>(system_config::networking::off);
  system_ = std::make_unique<caf::actor_system>(*config_);
  running_node::parts parts;
  parts.settings = default_settings();
  parts.settings.directory = *global_.embedded;
  parts.settings.host = "embedded";
  // It ends with the command; what an earlier one left is for the user to repeat.
  parts.settings.resume_tasks = false;
  parts.settings.mode = needed == access::write ? open_mode::read_write : open_mode::read_only;
  parts.log = make_logger(global_.verbose);
  auto node = running_node::start(*system_, std::move(parts), system_config::networking::off);
  if (!node) {
    close();
    return fail(std::move(node).error());
  }
  node_ = std::move(*node);
  client_.emplace(*system_, node_->handles());
  auto ready = await_node(*client_);
  if (!ready) close();
  return ready;
}

bool context::confirm(const std::string& question) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) return false;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  // An earlier question may have been left by Ctrl-C.
  std::cin.clear();
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

result<bool> context::agreed(const arguments& given, const std::string& what) {
  if (given.has("yes")) return true;
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0)
    return fail(ec::invalid_argument, what, "it cannot be undone, and nobody can be asked",
                "add --yes");
  return confirm("stip: " + what + ": it cannot be undone. Go on?");
}

int context::report(const std::vector<std::string>& problems) {
  for (const auto& problem : std::set<std::string>{problems.begin(), problems.end()})
    out_.complain("the answer is incomplete: " + problem);
  return problems.empty() ? done : incomplete;
}

int run_command(const std::vector<std::string>& words, session& way, output& out) {
  auto call = parse_command(words);
  if (!call) {
    out.complain(call.error());
    return status_of(call.error(), false);
  }
  if (call->help || call->of == nullptr || call->what == nullptr) {
    out.stream() << explain(*call) << std::flush;
    return done;
  }
  context with{way, out};
  way.begin_command();
  const auto status = call->what->run(with, call->given);
  if (!status) {
    out.complain(status.error());
    const auto code = status.error().code;
    const auto said = status_of(status.error(), way.unreachable());
    // The node may be gone: a later command of the shell should look for it again.
    if (code == ec::timeout || code == ec::unavailable) way.close();
    return said;
  }
  return *status;
}

}  // namespace stip::cli
