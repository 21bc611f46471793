#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/client.hpp"
#include "actors/node.hpp"
#include "apps/stip/command.hpp"
#include "apps/stip/settings.hpp"

namespace stip::cli {

/// The way to a cluster: a connection to a node, or a node inside this process. It is made when a
/// command first needs it and kept for the next (the shell's).
class session {
 public:
  explicit session(settings global) : global_(std::move(global)) {}
  ~session() { close(); }

  /// The client; an embedded node is opened as the command needs it, and again when a later one
  /// needs more. Errors: those of dial and running_node::start.
  result<client*> connect(access needed);
  /// The same for a question that is not worth waiting for: neither to connect nor for an answer.
  result<client> connect_soon(std::chrono::milliseconds most);

  /// Notes which other nodes the connected one knows, for the case that it goes away.
  void note_others();
  /// Connects to one of them instead: clients that connect() gave ask that one from now on. Where
  /// it is; errors: unavailable when none of them answers.
  result<std::string> move_on();

  /// Gives up the connection; the next command makes a new one.
  void close();

  /// Forgets what an earlier command met.
  void begin_command() { unreachable_ = false; }
  /// The command's last attempt to connect to a daemon failed.
  bool unreachable() const { return unreachable_; }
  const settings& global() const { return global_; }

 private:
  result<void> dial_node(std::chrono::milliseconds deadline);
  result<void> start_node(access needed);

  settings global_;
  bool unreachable_ = false;
  access opened_ = access::none;
  // In the order in which they are made; ended the other way round.
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<running_node> node_;
  std::optional<client> client_;
  /// Addresses, and the one that is asked.
  std::vector<std::pair<std::string, uint16_t>> others_;
  std::pair<std::string, uint16_t> here_;
};

/// What a command works with.
class context {
 public:
  context(session& way, output& to) : way_(way), out_(to) {}

  output& out() { return out_; }
  const settings& global() const { return way_.global(); }
  result<client*> connect(access needed) { return way_.connect(needed); }

  /// Asks a question that only "y" or "yes" answers so; false off a terminal.
  bool confirm(const std::string& question);
  /// Refuses what destroys data unless --yes is given or the user agrees. Errors:
  /// invalid_argument off a terminal.
  result<bool> agreed(const arguments& given, const std::string& what);

  /// Tells what an answer lacks, each once; the exit status that this means.
  int report(const std::vector<std::string>& problems);

  session& way() { return way_; }

 private:
  session& way_;
  output& out_;
};

/// Runs a command line's words with the session, complains where it fails; the exit status.
int run_command(const std::vector<std::string>& words, session& way, output& out);

}  // namespace stip::cli
