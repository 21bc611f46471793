#include "apps/stip/image.hpp"
#include "apps/stip/session.hpp"

namespace stip::cli {

namespace {

result<int> remove(context& with, const arguments& given) {
  const auto& album = given.words[0];
  STIP_ASSIGN(const auto match, given.filter());
  const auto which = match == filter{} ? "all images" : "the matching images";
  STIP_ASSIGN(const auto agreed,
              with.agreed(given, std::string{"delete "} + which + " of album " + album));
  if (!agreed) return failed;
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto count, node->erase(album, match));
  if (with.out().is_table())
    with.out().note(std::to_string(count) +
                    (count == 1 ? " image is deleted" : " images are deleted"));
  else
    with.out().object({{"album", album}, {"deleted", count}}, {{"album", ""}, {"deleted", ""}});
  return done;
}

}  // namespace

verb image_delete_verb() {
  verb v;
  v.name = "delete";
  v.summary = "deletes the images that the filter takes";
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {{"yes", '\0', "", "do not ask"}};
  v.filtered = true;
  v.example = "stip image delete olinda -g 7nkh2 --yes";
  v.run = remove;
  return v;
}

}  // namespace stip::cli
