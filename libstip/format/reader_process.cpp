#include "libstip/format/reader_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include "libstip/format/reader_server.hpp"

extern char** environ;

namespace stip {

namespace {

constexpr auto what_start = "start a reader process";
constexpr auto damaged = "fetch the file again, it seems to be damaged";
/// Descriptors of ours stay above those that the child gets, so that none is overwritten.
constexpr int lowest_descriptor = 16;

/// A descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// The same file under a number that is high enough; closes `fd`.
int lifted(int fd) {
  const descriptor held{fd};
  return fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, lowest_descriptor);
}

/// What posix_spawn takes, freed with the object.
struct spawn_plan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  spawn_plan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~spawn_plan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

/// Starts the program with the two descriptors and nothing else; its id, or an errno below 0.
pid_t spawn(const reader_settings& settings, const std::string& program, int socket, int memory) {
  spawn_plan plan;
  int failed = 0;
  const auto add = [&](int code) { failed = failed != 0 ? failed : code; };
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    add(posix_spawn_file_actions_addopen(&plan.files, standard, "/dev/null", O_RDWR, 0));
  add(posix_spawn_file_actions_adddup2(&plan.files, socket, reader_socket));
  add(posix_spawn_file_actions_adddup2(&plan.files, memory, reader_memory));
  add(posix_spawn_file_actions_addclosefrom_np(&plan.files, reader_memory + 1));
  // A Ctrl-C at the terminal is for the node, which ends its readers itself.
  add(posix_spawnattr_setpgroup(&plan.attributes, 0));
  sigset_t signals;
  sigemptyset(&signals);
  add(posix_spawnattr_setsigmask(&plan.attributes, &signals));
  sigfillset(&signals);
  add(posix_spawnattr_setsigdefault(&plan.attributes, &signals));
  add(posix_spawnattr_setflags(
      &plan.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  if (failed != 0) return -failed;
  std::array<std::string, 4> words = {program, std::to_string(::getpid()),
                                      std::to_string(settings.address_space_bytes),
                                      std::to_string(settings.cpu_time.count())};
  std::array<char*, 5> argv{};
  for (size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  pid_t pid = -1;
  const int code =
      ::posix_spawn(&pid, program.c_str(), &plan.files, &plan.attributes, argv.data(), environ);
  return code != 0 ? -code : pid;
}

tl::unexpected<error> cannot_start(const std::string& why) {
  return fail(ec::unavailable, what_start, why,
              "HDF and NetCDF files are read by the program stip-reader, which must stand beside "
              "stip and stipd");
}

std::string seconds(std::chrono::milliseconds time) {
  constexpr double ms = 1000;
  auto text = std::to_string(double(time.count()) / ms);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

}  // namespace

std::string reader_program() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::string("stip-reader") : (self.parent_path() / "stip-reader").string();
}

result<std::unique_ptr<reader_process>> reader_process::start(const reader_settings& settings) {
  std::array<int, 2> pair{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return cannot_start(::strerror(errno));
  const descriptor ours{lifted(pair[0])};
  const descriptor theirs{lifted(pair[1])};
  const descriptor memory{lifted(::memfd_create("stip-reader", MFD_CLOEXEC | MFD_ALLOW_SEALING))};
  if (ours.get() < 0 || theirs.get() < 0 || memory.get() < 0)
    return cannot_start(::strerror(errno));
  // Sealed, or a reader that has gone mad could shrink it under this process, which would then die
  // of SIGBUS.
  if (::ftruncate(memory.get(), static_cast<off_t>(settings.shared_bytes)) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return cannot_start(::strerror(errno));
  auto out = std::unique_ptr<reader_process>(new reader_process);
  void* mapped = ::mmap(nullptr, settings.shared_bytes, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return cannot_start(::strerror(errno));
  out->shared_ = static_cast<const std::byte*>(mapped);
  out->shared_bytes_ = settings.shared_bytes;
  const auto program = settings.program.empty() ? reader_program() : settings.program;
  out->pid_ = spawn(settings, program, theirs.get(), memory.get());
  if (out->pid_ < 0)
    return cannot_start(program + ": " + ::strerror(-std::exchange(out->pid_, -1)));
  out->channel_ = reader_channel(::fcntl(ours.get(), F_DUPFD_CLOEXEC, lowest_descriptor));
  return out;
}

reader_process::~reader_process() {
  end(true);
  if (shared_ != nullptr) ::munmap(const_cast<std::byte*>(shared_), shared_bytes_);
}

int reader_process::end(bool at_once) noexcept {
  // One that has closed its socket is about to end by itself, and its status tells why.
  constexpr int attempts = 2500;
  constexpr int patience = 250;
  constexpr auto pause = std::chrono::milliseconds(2);
  if (pid_ < 0) return 0;
  channel_ = {};
  if (at_once) ::kill(pid_, SIGKILL);
  int status = 0;
  for (int i = 0; i < attempts; ++i) {
    const auto got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_ || (got < 0 && errno != EINTR)) break;
    if (i == patience) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(pause);
  }
  pid_ = -1;
  return status;
}

error reader_process::verdict(const error& of_channel, const std::string& what,
                              std::chrono::milliseconds deadline) {
  if (of_channel.code == ec::timeout) {
    end(true);
    return {ec::timeout, what,
            "the library that reads it did not answer within " + seconds(deadline), damaged};
  }
  if (of_channel.code != ec::unavailable) {
    end(true);
    return {ec::corrupt, what, "its reader process broke the protocol: " + of_channel.why, damaged};
  }
  const int status = end(false);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const auto name = "signal " + std::to_string(signal) + ", " + std::string(::strsignal(signal));
    if (signal == SIGXCPU)
      return {ec::limit_exceeded, what,
              "the library that reads it took more processor time than it may (" + name + ")",
              damaged};
    if (signal == SIGKILL || signal == SIGTERM)
      return {ec::io_error, what, "its reader process was killed (" + name + ")",
              "store it again; see whether the machine has run out of memory"};
    return {ec::corrupt, what, "the library that reads it crashed (" + name + ")", damaged};
  }
  return {ec::corrupt, what,
          "its reader process ended with status " + std::to_string(WEXITSTATUS(status)), damaged};
}

result<reader_answer> reader_process::answer(const std::string& what,
                                             std::chrono::milliseconds deadline, bool& alive) {
  alive = false;
  const auto bytes = channel_.receive(std::chrono::steady_clock::now() + deadline);
  if (!bytes) return fail(verdict(bytes.error(), what, deadline));
  auto decoded = decode_reader_answer(*bytes);
  if (!decoded) return fail(verdict(decoded.error(), what, deadline));
  alive = true;
  if (auto* failed = std::get_if<error>(&*decoded)) return fail(std::move(*failed));
  return decoded;
}

result<reader_answer> reader_process::ask(const reader_request& request, const std::string& what,
                                          std::chrono::milliseconds deadline, bool& alive) {
  alive = false;
  const auto until = std::chrono::steady_clock::now() + deadline;
  if (auto sent = channel_.send(encode(request), until); !sent)
    return fail(verdict(sent.error(), what, deadline));
  return answer(what, deadline, alive);
}

result<reader_answer> reader_process::more(const std::string& what,
                                           std::chrono::milliseconds deadline, bool& alive) {
  return answer(what, deadline, alive);
}

}  // namespace stip
