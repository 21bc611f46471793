#include "libstip/format/reader_server.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <span>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/reader_channel.hpp"
#include "libstip/format/reader_protocol.hpp"
#include "libstip/format/reader_settings.hpp"
#include "libstip/raster/gdal_cache.hpp"
#include "libstip/raster/gdal_dataset.hpp"

namespace stip {

namespace {

constexpr auto for_ever = reader_channel::time_point::max();

enum exit_status : int { served = 0, orphan = 2, no_memory_shared = 3, socket_broke = 4 };

/// What is open, and what goes wrong with it.
class server {
 public:
  server(std::span<std::byte> shared, reader_channel channel)
      : shared_(shared), channel_(std::move(channel)) {}

  result<std::string> receive() { return channel_.receive(for_ever); }

  /// Answers one request. Error: of the channel.
  result<void> answer(const std::string& bytes) {
    const auto request = decode_reader_request(bytes);
    if (!request) return say(request.error());
    try {
      if (const auto* open = std::get_if<open_request>(&*request)) return this->open(*open);
      const auto read = this->read(std::get<read_request>(*request));
      return read ? say(*read) : say(read.error());
    } catch (const std::exception& e) {
      return say(error{ec::limit_exceeded, "read " + input_, e.what(), {}});
    }
  }

 private:
  result<void> say(const reader_answer& answer) { return channel_.send(encode(answer), for_ever); }

  result<void> open(const open_request& request) {
    reader_.reset();
    scenes_.clear();
    input_ = request.input;
    auto found = open_scenes(request.format, request.input, request.options);
    if (!found) return say(found.error());
    if (found->size() > max_scenes_per_input)
      return say(error{ec::limit_exceeded, "open " + input_,
                       "it holds " + std::to_string(found->size()) + " scenes", "split the file"});
    scenes_ = std::move(*found);
    std::vector<std::string> messages;
    hasher hash;
    for (const auto& scene : scenes_) {
      opened_scene one{scene->description(), {}};
      for (size_t i = 0; i < one.description.subdatasets.size(); ++i)
        one.tilings.push_back(scene->tiling(i));
      auto message = encode(reader_answer(std::move(one)));
      hash.update(message);
      if (request.describe) messages.push_back(std::move(message));
    }
    STIP_TRY(say(opened_input{static_cast<uint32_t>(scenes_.size()), hash.digest128()}));
    for (const auto& message : messages) STIP_TRY(channel_.send(message, for_ever));
    return {};
  }

  result<pixels_read> read(const read_request& request) {
    const auto refuse = [&](const char* why) {
      return fail(ec::invalid_argument, "read " + input_, why);
    };
    if (request.scene >= scenes_.size()) return refuse("there is no such scene");
    const auto& scene = *scenes_[request.scene];
    const auto& parts = scene.description().subdatasets;
    if (request.subdataset >= parts.size()) return refuse("there is no such subdataset");
    const auto& w = request.window;
    if (w.width < 1 || w.height < 1) return refuse("the window is empty");
    uint64_t bytes = request.mask ? 1 : size_of(parts[request.subdataset].type);
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(w.width), &bytes) ||
        __builtin_mul_overflow(bytes, static_cast<uint64_t>(w.height), &bytes) ||
        __builtin_mul_overflow(bytes, uint64_t{request.count}, &bytes) || bytes > shared_.size())
      return refuse("the window is larger than the shared memory");
    if (!reader_ || reader_of_ != request.scene) {
      reader_.reset();
      STIP_ASSIGN(reader_, scene.open_reader());
      reader_of_ = request.scene;
    }
    const auto out = shared_.first(bytes);
    STIP_TRY(request.mask
                 ? reader_->read_mask(request.subdataset, w, request.first_band, request.count, out)
                 : reader_->read(request.subdataset, w, request.first_band, request.count, out));
    return pixels_read{bytes};
  }

  const std::span<std::byte> shared_;
  reader_channel channel_;
  std::string input_;
  std::vector<std::unique_ptr<scene>> scenes_;
  std::unique_ptr<scene_reader> reader_;
  uint32_t reader_of_ = 0;
};

void limit(__rlimit_resource what, uint64_t most) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return;
  now.rlim_cur = std::min<rlim_t>(most, now.rlim_max);
  ::setrlimit(what, &now);
}

/// The processor time of one more request, beyond what was used up to now.
void allow_cpu(std::chrono::seconds time) {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) return;
  limit(RLIMIT_CPU,
        static_cast<uint64_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1 + time.count()));
}

}  // namespace

int serve_reader(const reader_limits& limits) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != limits.parent) return orphan;
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // 0 would not hold where the kernel pipes cores to a program; 1 means none there (core(5)).
  limit(RLIMIT_CORE, 1);
#ifndef __SANITIZE_ADDRESS__
  limit(RLIMIT_AS, limits.address_space_bytes);
#endif
  struct stat memory {};
  if (::fstat(reader_memory, &memory) != 0 || memory.st_size <= 0) return no_memory_shared;
  const auto bytes = static_cast<size_t>(memory.st_size);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, reader_memory, 0);
  if (mapped == MAP_FAILED) return no_memory_shared;
  prepare_gdal(gdal_role::reader);
  limit_gdal_cache(defaults::gdal_cache_bytes);
  server serving({static_cast<std::byte*>(mapped), bytes}, reader_channel(reader_socket));
  for (;;) {
    const auto request = serving.receive();
    // The node closes the socket to end its reader.
    if (!request) return request.error().code == ec::unavailable ? served : socket_broke;
    allow_cpu(limits.cpu_time);
    if (!serving.answer(*request)) return socket_broke;
  }
}

}  // namespace stip
