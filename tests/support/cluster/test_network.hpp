#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip::test {

/// Hosts with a network and disks of their own, on one Linux machine: each host is a network
/// namespace with one link to a switch, and links break as they do between machines, in silence.
/// The thread that makes it is another host on that switch, and so are the threads and processes
/// that it starts from then on; it does not go back.
///
/// Needs root, `ip` (iproute2) and `nsenter` (util-linux).
class test_network {
 public:
  /// Errors: unsupported, when this machine does not permit it.
  static result<std::unique_ptr<test_network>> make(size_t hosts);
  ~test_network();
  test_network(const test_network&) = delete;
  test_network& operator=(const test_network&) = delete;

  size_t hosts() const { return namespaces_.size(); }
  static std::string address(size_t host);

  /// Puts the calling process on that host: between fork and exec.
  void enter(size_t host) const;

  /// Pulls its plug: nothing gets to or from the host.
  void unplug(size_t host);
  /// Those hosts see each other and nobody else; the others, and the test, see each other.
  void part(const std::vector<size_t>& hosts);
  /// Nothing that the one host sends gets to the other.
  void drop(size_t from, size_t to);
  /// Everything is as in the beginning.
  void heal();

  /// Mounts a disk of so many bytes there, for this thread and what it starts, until the program
  /// ends. Errors: unsupported.
  static result<void> mount_disk(const std::string& directory, size_t bytes);

 private:
  test_network() = default;
  /// Runs `ip` with these words on that host; the outcome.
  bool run_on(size_t host, const std::string& words) const;

  /// Descriptors.
  std::vector<int> namespaces_;
  std::vector<std::pair<size_t, size_t>> dropped_;
};

}  // namespace stip::test
