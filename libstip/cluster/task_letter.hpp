#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libstip/cluster/task_part.hpp"
#include "libstip/cluster/task_verdicts.hpp"

namespace stip {

/// What the task ledgers of two nodes say to each other. Each letter stands for itself and may be
/// lost, doubled or late.
struct task_letter {
  /// A record of a part; answered by an acknowledgement, or by a newer copy.
  struct copy {
    task_part part;
  };
  /// "I have this now"; perhaps "and want the names of its inputs".
  struct acknowledgement {
    part_key key;
    part_stamp stamp;
    bool wants_inputs = false;
  };
  /// "Do you know anything newer?"; answered by a copy, an acknowledgement of what is known, or by
  /// `lacks`.
  struct question {
    part_key key;
    part_stamp stamp;
  };
  struct lacks {
    part_key key;
  };
  /// Verdicts; a comparison begins with a fingerprint alone.
  struct verdicts {
    enum class step : uint8_t { compare = 0, mine, yours };
    step now = step::compare;
    uint64_t fingerprint = 0;
    std::vector<task_verdict> said;
  };

  std::variant<copy, acknowledgement, question, lacks, verdicts> content;
};

std::string encode(const task_letter& letter, carry what = carry::everything);
/// Errors: malformed.
result<task_letter> decode_task_letter(std::string_view bytes);

}  // namespace stip
