#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/reader_settings.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// The processes that read HDF4, HDF5 and NetCDF files for a node, or for a command: as many as the
/// settings allow, started when they are needed, ended when they have nothing to do. A file that
/// makes one crash, hang or run away costs that file only; the process is replaced. Any thread may
/// use it. Nothing in it is of this process but the child processes.
class reader_pool {
 public:
  explicit reader_pool(reader_settings settings = {});
  /// Ends every process. Scenes that are still there fail to read.
  ~reader_pool();
  reader_pool(const reader_pool&) = delete;
  reader_pool& operator=(const reader_pool&) = delete;

  /// The scenes of an input, as open_scenes gives them in a reader process; each thread that reads
  /// one at the same time has a process of its own. Errors: those of open_scenes; corrupt, timeout,
  /// limit_exceeded, io_error when the process crashed, hung, ran away, or was killed; unavailable
  /// when none can be started, or none was free for too long.
  result<std::vector<std::unique_ptr<scene>>> open(const std::string& format,
                                                   const std::string& input,
                                                   const scene_options& options);

  /// The processes that live now.
  std::vector<pid_t> processes() const;

  class state;

 private:
  std::shared_ptr<state> state_;
};

}  // namespace stip
