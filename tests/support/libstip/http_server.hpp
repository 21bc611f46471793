#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>

namespace stip::test {

/// Serves texts over HTTP on a loopback port of its own, whole or a range of bytes, one request at
/// a time; a file is found by its path, with or without a query behind it.
class http_server {
 public:
  explicit http_server(std::map<std::string, std::string> files) : files_(std::move(files)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      return;
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }

  ~http_server() {
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }

  /// 0: it could not be started.
  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  size_t requests() const { return requests_; }

 private:
  void run() {
    for (;;) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      // Nobody holds the only thread with a request that does not end.
      const timeval patience{5, 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const auto count = ::recv(peer, buffer, sizeof buffer, 0);
        if (count <= 0) break;
        request.append(buffer, static_cast<size_t>(count));
      }
      ++requests_;
      const auto answer = answer_to(request);
      for (size_t sent = 0; sent < answer.size();) {
        const auto count = ::send(peer, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<size_t>(count);
      }
      ::close(peer);
    }
  }

  std::string answer_to(const std::string& request) const {
    const auto space = request.find(' ');
    if (space == std::string::npos) return head("400 Bad Request", 0);
    const auto target = request.substr(space + 1, request.find(' ', space + 1) - space - 1);
    auto found = files_.find(target);
    if (found == files_.end()) found = files_.find(target.substr(0, target.find('?')));
    if (found == files_.end()) return head("404 Not Found", 0);
    const auto& content = found->second;
    const bool wants_content = request.starts_with("GET ");
    const auto range = request.find("Range: bytes=");
    if (range == std::string::npos || !wants_content)
      return head("200 OK", content.size()) + (wants_content ? content : std::string{});
    const auto first = std::stoull(request.substr(range + 13));
    const auto dash = request.find('-', range);
    const auto last = std::min<size_t>(std::stoull(request.substr(dash + 1)), content.size() - 1);
    if (first > last) return head("416 Range Not Satisfiable", 0);
    return head("206 Partial Content", last - first + 1,
                "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                    std::to_string(content.size()) + "\r\n") +
           content.substr(first, last - first + 1);
  }

  static std::string head(const std::string& status, size_t bytes, const std::string& more = {}) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(bytes) +
           "\r\nAccept-Ranges: bytes\r\nConnection: close\r\n" + more + "\r\n";
  }

  std::map<std::string, std::string> files_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<size_t> requests_{0};
  std::thread thread_;
};

}  // namespace stip::test
