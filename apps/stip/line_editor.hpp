#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/stip/complete.hpp"

namespace stip::cli {

/// Lines that are typed on a terminal: editing as in other shells (Emacs keys, arrows, Ctrl-R for a
/// search in the history; ~/.editrc changes them), Tab completes. Ctrl-C drops the line, Ctrl-D on
/// an empty one ends.
class line_editor {
 public:
  /// How the text before the cursor may go on.
  using completer = std::function<completion(const std::string&)>;

  /// `history`: lines of earlier sessions, the oldest first.
  line_editor(std::string prompt, const std::vector<std::string>& history, completer complete);
  ~line_editor();
  line_editor(const line_editor&) = delete;
  line_editor& operator=(const line_editor&) = delete;

  /// The next line, without its end. False at the end.
  bool next(std::string& line);

  /// Adds the line to those that the arrows bring back.
  void remember(const std::string& line);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace stip::cli
