#include "libstip/format/reader_protocol.hpp"
#include "tests/fuzz/fuzz_target.hpp"

/// What a reader process and its node say to each other: either may have been taken over by a file.
FUZZ_TARGET(reader_protocol) {
  (void)stip::decode_reader_request(input);
  (void)stip::decode_reader_answer(input);
}
