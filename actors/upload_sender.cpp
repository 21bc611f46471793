#include "actors/upload_sender.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "libstip/cluster/upload_spool.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

namespace {

/// Pieces under way at a time: some hide the way to the node and its disk, more take memory.
constexpr size_t sender_threads = 4;

/// How often a node without room is asked again: at first, and at most. It takes that as a sign of
/// life.
constexpr std::chrono::milliseconds first_wait{20};
constexpr std::chrono::milliseconds longest_wait{1'000};

/// A question that gets no answer is asked so often, with that pause.
constexpr int question_attempts = 5;
constexpr std::chrono::milliseconds question_pause{500};

class open_file {
 public:
  explicit open_file(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

timespec changed_at(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mtim : timespec{};
}

result<std::string> read_piece(const std::string& path, uint64_t offset, uint64_t bytes,
                               uint64_t size, const timespec& changed) {
  const auto what = "read " + path;
  const open_file file(path);
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return fail(system_error(what, errno));
  std::string out(bytes, '\0');
  uint64_t have = 0;
  while (have < bytes) {
    const auto n =
        ::pread(file.get(), out.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error(what, errno));
    if (n == 0) break;
    have += static_cast<uint64_t>(n);
  }
  if (have < bytes || static_cast<uint64_t>(status.st_size) != size ||
      status.st_mtim.tv_sec != changed.tv_sec || status.st_mtim.tv_nsec != changed.tv_nsec)
    return fail(ec::conflict, what, "it was changed while it was sent", "store it again");
  return out;
}

/// The same name wherever the client is started.
std::string full_name(const std::string& input) {
  std::error_code failed;
  const auto path = std::filesystem::absolute(input, failed).lexically_normal().string();
  if (failed) return input;
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

bool is_of_input_alone(ec code) {
  return code == ec::invalid_argument || code == ec::limit_exceeded || code == ec::no_space ||
         code == ec::io_error || code == ec::already_exists;
}

}  // namespace

upload_sender::upload_sender(client node, task_record task, std::vector<std::string> inputs)
    : node_(std::move(node)), task_(std::move(task)), inputs_(std::move(inputs)) {
  progress_.inputs = inputs_.size();
  for (size_t i = 0; i < sender_threads; ++i) threads_.emplace_back([this] { work(); });
}

upload_sender::~upload_sender() {
  stop();
}

void upload_sender::stop() {
  end({});
}

void upload_sender::end(std::optional<error> why) {
  const std::lock_guard lock{mutex_};
  if (over_) return;
  over_ = progress_.over = true;
  problem_ = std::move(why);
  changed_.notify_all();
}

bool upload_sender::pause(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, time, [this] { return over_; });
  return !over_;
}

upload_sender::progress upload_sender::look() const {
  const std::lock_guard lock{mutex_};
  return progress_;
}

std::optional<error> upload_sender::problem() const {
  const std::lock_guard lock{mutex_};
  return problem_;
}

// -- what the threads do ------------------------------------------------------------

void upload_sender::work() {
  std::unique_lock lock{mutex_};
  while (!over_) {
    if (auto p = next_piece()) {
      lock.unlock();
      send(*p);
      lock.lock();
    } else if (!announcing_ && next_ < inputs_.size()) {
      announcing_ = true;
      const auto number = next_++;
      lock.unlock();
      auto opened = open(number);
      lock.lock();
      announcing_ = false;
      current_ = std::move(opened);
      changed_.notify_all();
    } else if (!announcing_ && progress_.sent == inputs_.size()) {
      progress_.over = over_ = true;
      changed_.notify_all();
    } else {
      changed_.wait(lock);
    }
  }
}

std::optional<upload_sender::piece> upload_sender::next_piece() {
  if (current_ == nullptr) return {};
  auto& at = *current_;
  if (at.skipped) {
    // What is out comes back; the rest stays here.
    at.all_out = true;
    if (at.under_way == 0) ++progress_.sent;
    current_.reset();
    return {};
  }
  const auto size = at.what.files[at.file].bytes;
  piece out{current_, at.file, at.offset, std::min(defaults::upload_chunk_bytes, size - at.offset)};
  at.offset += out.bytes;
  ++at.under_way;
  if (at.offset >= size) {
    at.offset = 0;
    at.all_out = ++at.file == at.what.files.size();
    if (at.all_out) current_.reset();
  }
  return out;
}

std::optional<result<bool>> upload_sender::ask(const std::function<result<bool>()>& question) {
  for (int attempt = 1;; ++attempt) {
    {
      const std::lock_guard lock{mutex_};
      if (over_) return {};
    }
    auto answer = question();
    if (answer || is_of_input_alone(answer.error().code)) return answer;
    const auto code = answer.error().code;
    if (code == ec::not_found) {
      // The task has ended, or was stopped: it says itself why.
      end({});
      return {};
    }
    const bool passes = code == ec::timeout || code == ec::unavailable || code == ec::corrupt;
    if (!passes || attempt == question_attempts) {
      end(answer.error());
      return {};
    }
    if (!pause(question_pause)) return {};
  }
}

std::shared_ptr<upload_sender::sending> upload_sender::open(uint64_t number) {
  auto out = std::make_shared<sending>();
  out->number = number;
  out->name = full_name(inputs_[number]);
  auto gone = [&](const error* why) {
    if (why != nullptr) skip(number, out->name, *why);
    const std::lock_guard lock{mutex_};
    ++progress_.sent;
    progress_.waits = false;
    return nullptr;
  };
  auto found = files_of_input(inputs_[number]);
  if (!found) return gone(&found.error());
  out->what = std::move(*found);
  upload_input wanted;
  wanted.task = task_.id;
  wanted.began = task_.began;
  wanted.input = number;
  wanted.name = out->name;
  wanted.entry = out->what.entry;
  for (const auto& file : out->what.files) {
    wanted.files.push_back(file.name);
    wanted.sizes.push_back(file.bytes);
    out->changed.push_back(changed_at(out->what.root + file.name));
  }
  for (auto wait = first_wait;; wait = std::min(wait * 2, longest_wait)) {
    const auto answer = ask([&] { return node_.announce(wanted); });
    if (!answer) return nullptr;
    // The node has skipped it itself, and said why.
    if (!*answer) return gone(nullptr);
    {
      const std::lock_guard lock{mutex_};
      progress_.waits = !**answer;
    }
    if (**answer) return out;
    if (!pause(wait)) return nullptr;
  }
}

void upload_sender::send(const piece& p) {
  const auto& of = *p.of;
  const auto& file = of.what.files[p.file];
  auto bytes =
      read_piece(of.what.root + file.name, p.offset, p.bytes, file.bytes, of.changed[p.file]);
  if (!bytes) {
    if (!p.of->skipped.exchange(true)) skip(of.number, of.name, bytes.error());
    return answered(p, false);
  }
  upload_chunk chunk;
  chunk.task = task_.id;
  chunk.began = task_.began;
  chunk.input = of.number;
  chunk.file = p.file;
  chunk.offset = p.offset;
  chunk.checksum = hash64(*bytes);
  chunk.bytes = std::move(*bytes);
  const auto answer = ask([&] { return node_.send(chunk); });
  const bool good = answer && *answer;
  if (!good) p.of->skipped = true;
  answered(p, good);
}

void upload_sender::answered(const piece& p, bool good) {
  const std::lock_guard lock{mutex_};
  if (good) progress_.bytes += p.bytes;
  if (--p.of->under_way == 0 && p.of->all_out) ++progress_.sent;
  changed_.notify_all();
}

void upload_sender::skip(uint64_t number, const std::string& name, const error& why) {
  upload_input problem;
  problem.task = task_.id;
  problem.began = task_.began;
  problem.input = number;
  problem.name = name;
  problem.problem = to_string(why);
  (void)ask([&] { return node_.announce(problem); });
}

}  // namespace stip
