#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apps/stip/complete.hpp"
#include "apps/stip/session.hpp"

namespace stip::cli {

/// Names as the session's node knows them. Nothing waits longer than defaults::completion_deadline;
/// an answer is used again for a moment, and a node that did not give one is not asked again for a
/// while.
class node_names : public name_source {
 public:
  explicit node_names(session& way) : way_(way) {}

  std::vector<std::string> albums() override;
  std::vector<std::string> tasks() override;
  std::vector<std::string> nodes() override;
  std::vector<std::string> platforms(const std::string& album) override;
  std::vector<std::string> sources(const std::string& album) override;
  std::vector<std::string> geocodes(const std::string& album, const std::string& prefix) override;

 private:
  using time = std::chrono::steady_clock::time_point;
  using names = std::vector<std::string>;

  /// What `ask` gives, or gave a moment ago under that title.
  names answer(const std::string& title, const std::function<result<names>(const client&)>& ask);
  names from_extents(const std::string& title, const std::string& album, const std::string& prefix,
                     const std::function<std::string(const extent_row&)>& name);

  session& way_;
  time silent_until_{};
  std::map<std::string, std::pair<time, names>> kept_;
};

}  // namespace stip::cli
