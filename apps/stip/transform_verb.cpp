#include "apps/stip/transform_verb.hpp"

namespace stip::cli {

verb transform_verb(std::string_view name, std::string_view summary, std::string_view example) {
  verb v;
  v.name = name;
  v.summary = summary;
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = task_options();
  v.filtered = true;
  v.example = example;
  return v;
}

result<transform_request> wanted_transform(const arguments& given, std::string_view kind) {
  transform_request out;
  out.kind = kind;
  out.album = given.words[0];
  STIP_ASSIGN(auto work, wanted_task(given));
  out.threads = work.threads;
  out.task = std::move(work.id);
  STIP_ASSIGN(out.match, given.filter());
  return out;
}

void take_options(const arguments& given, std::initializer_list<std::string_view> values,
                  std::initializer_list<std::string_view> flags, transform_request& to) {
  for (const auto name : values)
    if (const std::string key{name}; given.has(key)) to.options[key] = given.text(key);
  for (const auto name : flags)
    if (const std::string key{name}; given.has(key)) to.options[key] = "yes";
}

result<int> run_transform(context& with, const arguments& given, const transform_request& wanted) {
  STIP_TRY(check_detach(with, given, "image " + wanted.kind));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto target, node->get_album(wanted.album));
  STIP_TRY(check(wanted, target.algorithm));
  STIP_ASSIGN(auto task, node->transform(wanted));
  return follow_or_leave(with, given, *node, std::move(task));
}

}  // namespace stip::cli
