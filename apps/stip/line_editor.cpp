#include "apps/stip/line_editor.hpp"

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "apps/stip/human.hpp"
#include "apps/stip/terminal.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr size_t column_gap = 2;

/// What a list of completions shows: of a path only its last part.
std::string shown_name(const std::string& word) {
  const auto last = word.find_last_not_of('/');
  const auto slash = last == std::string::npos ? last : word.rfind('/', last);
  return printable(slash == std::string::npos ? word : word.substr(slash + 1));
}

/// Columns as wide as the widest, at most half a terminal full.
void print_list(const std::vector<std::string>& words) {
  const auto size = size_of_terminal();
  size_t width = 0;
  std::vector<std::string> names;
  for (const auto& word : words) {
    names.push_back(shown_name(word));
    width = std::max(width, shown_width(names.back()) + column_gap);
  }
  const auto across = std::max<size_t>(1, size.columns / std::max<size_t>(1, width));
  const auto most = across * std::max<size_t>(1, size.rows / 2);
  std::cout << "\n";
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    const bool ends = (i + 1) % across == 0 || i + 1 == names.size() || i + 1 == most;
    std::cout << names[i];
    if (ends)
      std::cout << "\n";
    else
      std::cout << std::string(width - shown_width(names[i]), ' ');
  }
  if (names.size() > most) std::cout << "... and " << names.size() - most << " more\n";
  std::cout << std::flush;
}

/// libedit counts characters and needs a locale of UTF-8 to see them.
void use_utf8() {
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1)
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

class line_editor::impl {
 public:
  impl(std::string prompt, completer complete)
      : prompt_(std::move(prompt)), complete_(std::move(complete)) {
    use_utf8();
    editor_ = ::el_init("stip", stdin, stdout, stderr);
    history_ = ::history_init();
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, defaults::shell_history_lines);
    ::history(history_, &event, H_SETUNIQUE, 1);
    ::el_set(editor_, EL_CLIENTDATA, this);
    ::el_set(editor_, EL_PROMPT, &impl::give_prompt);
    ::el_set(editor_, EL_HIST, ::history, history_);
    ::el_set(editor_, EL_EDITOR, "emacs");
    // Signals of the terminal other than Ctrl-C (a new size, a stop) are libedit's.
    ::el_set(editor_, EL_SIGNAL, 1);
    add("stip-complete", "complete the word", &impl::on_tab, "^I");
    add("stip-drop", "drop the line", &impl::on_interrupt, "^C");
    // Ctrl-C is a key while a line is edited.
    ::el_set(editor_, EL_SETTY, "-d", "-isig", nullptr);
    bind("^R", "em-inc-search-prev");
    add("stip-delete", "delete a character, or end", &impl::on_delete, "^D");
    bind("\033[3~", "ed-delete-next-char");
    bind("\033[1;5C", "em-next-word");
    bind("\033[1;5D", "ed-prev-word");
    bind("\033[H", "ed-move-to-beg");
    bind("\033[F", "ed-move-to-end");
    bind("\033[1~", "ed-move-to-beg");
    bind("\033[4~", "ed-move-to-end");
    ::el_source(editor_, nullptr);
  }
  ~impl() {
    ::history_end(history_);
    ::el_end(editor_);
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  bool next(std::string& line) {
    dropped_ = false;
    int count = 0;
    const char* typed = nullptr;
    do {
      errno = 0;
      typed = ::el_gets(editor_, &count);
    } while (typed == nullptr && count < 0 && errno == EINTR);
    if (typed == nullptr || count <= 0) return false;
    line.assign(typed, static_cast<size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (dropped_) line.clear();
    return true;
  }

  void remember(const std::string& line) {
    HistEvent event;
    ::history(history_, &event, H_ENTER, line.c_str());
  }

 private:
  using handler = unsigned char (*)(EditLine*, int);

  void add(const char* name, const char* help, handler what, const char* key) {
    ::el_set(editor_, EL_ADDFN, name, help, what);
    bind(key, name);
  }
  void bind(const char* key, const char* name) { ::el_set(editor_, EL_BIND, key, name, nullptr); }

  static impl& self(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<impl*>(data);
  }
  static char* give_prompt(EditLine* editor) { return self(editor).prompt_.data(); }

  static unsigned char on_interrupt(EditLine* editor, int) {
    self(editor).dropped_ = true;
    go_to_end(editor);
    // The end of a line that libedit was told by another key than Enter is not written by it.
    std::cout << "^C\r\n" << std::flush;
    return CC_NEWLINE;
  }

  static unsigned char on_delete(EditLine* editor, int) {
    const auto* line = ::el_line(editor);
    if (line->lastchar == line->buffer) return CC_EOF;
    if (line->cursor == line->lastchar) return CC_NORM;
    ::el_cursor(editor, 1);
    ::el_deletestr(editor, 1);
    return CC_REFRESH;
  }

  /// Shows the cursor behind the last character; returns how many it has passed.
  static int go_to_end(EditLine* editor) {
    const auto* line = ::el_line(editor);
    const std::string_view rest{line->cursor, static_cast<size_t>(line->lastchar - line->cursor)};
    const auto behind = static_cast<int>(shown_width(rest));
    ::el_cursor(editor, behind);
    ::el_set(editor, EL_REFRESH);
    return behind;
  }

  /// CC_REDISPLAY erases as many rows as the line took, from where the cursor is upwards.
  void leave_rows() {
    const auto* line = ::el_line(editor_);
    const std::string_view text{line->buffer, static_cast<size_t>(line->lastchar - line->buffer)};
    const auto width = shown_width(prompt_) + shown_width(text);
    std::cout << std::string(width / size_of_terminal().columns, '\n') << std::flush;
  }

  static unsigned char on_tab(EditLine* editor, int) {
    const auto* typed = ::el_line(editor);
    const std::string before{typed->buffer, typed->cursor};
    const auto found = self(editor).complete_(before);
    if (found.words.empty() || found.begin > before.size()) return CC_NORM;
    const auto word = before.substr(found.begin);
    const bool one = found.words.size() == 1;
    auto text = quoted(common_begin(found.words));
    if (one && !found.open && !text.ends_with('/')) text += ' ';
    if (text != word && shown_width(text) + 1 > shown_width(word)) {
      ::el_deletestr(editor, static_cast<int>(shown_width(word)));
      ::el_insertstr(editor, text.c_str());
      // The rest is listed at the next Tab.
      return CC_REFRESH;
    }
    if (one) return CC_NORM;
    // Below all of the line, which may take several rows.
    const auto behind = go_to_end(editor);
    print_list(found.words);
    self(editor).leave_rows();
    ::el_cursor(editor, -behind);
    return CC_REDISPLAY;
  }

  std::string prompt_;
  completer complete_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  bool dropped_ = false;
};

line_editor::line_editor(std::string prompt, const std::vector<std::string>& history,
                         completer complete)
    : impl_(std::make_unique<impl>(std::move(prompt), std::move(complete))) {
  for (const auto& line : history) impl_->remember(line);
}
line_editor::~line_editor() = default;

bool line_editor::next(std::string& line) {
  return impl_->next(line);
}

void line_editor::remember(const std::string& line) {
  impl_->remember(line);
}

}  // namespace stip::cli
