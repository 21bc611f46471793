#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace stip::bench {

/// A process that reads every block of products with GDAL and throws it away, with threads of its
/// own and GDAL_CACHEMAX=64MB: it has the drivers that a node lays aside, and a crash of theirs
/// ends it alone. Starting it, which opens the libraries, is apart from decoding.
class decoder_process {
 public:
  /// Starts stip-scenes with the words after `decode` and waits until it is ready. Ends the program
  /// when it is not.
  explicit decoder_process(const std::vector<std::string>& words);
  ~decoder_process();
  decoder_process(const decoder_process&) = delete;
  decoder_process& operator=(const decoder_process&) = delete;

  /// Lets it begin.
  void go();
  /// Waits for its end; the bytes of pixels that it read.
  uint64_t wait();

 private:
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace stip::bench
