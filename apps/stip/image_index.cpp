#include <cmath>
#include <map>

#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/transform_verb.hpp"
#include "libstip/analysis/derived_scene.hpp"

// Band indices of stored images: their statistics, or derived images.

namespace stip::cli {

namespace {

/// Images that are listed, measured and printed together.
constexpr uint64_t batch_images = 64;

std::vector<column> statistics_columns() {
  return {{"key", "KEY"},
          {"count", "PIXELS", shown_as::number},
          {"mean", "MEAN", shown_as::number},
          {"standard_deviation", "STD", shown_as::number},
          {"min", "MIN", shown_as::number},
          {"p5", "", shown_as::number},
          {"p25", "P25", shown_as::number},
          {"p50", "P50", shown_as::number},
          {"p75", "P75", shown_as::number},
          {"p95", "", shown_as::number},
          {"max", "MAX", shown_as::number},
          {"pixels", "", shown_as::number},
          {"clouds", "CLOUDS"},
          {"album", ""},
          {"index", ""}};
}

json number_or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json statistics_object(const std::string& album, const std::string& index, const image_row& image,
                       const index_statistics& of) {
  const auto& n = of.numbers;
  json out = {{"key", to_string(image.key)},
              {"count", n.count},
              {"mean", number_or_null(n.mean)},
              {"standard_deviation", number_or_null(n.standard_deviation)},
              {"min", number_or_null(n.least)},
              {"max", number_or_null(n.most)}};
  for (size_t i = 0; i < told_percentiles.size(); ++i)
    out["p" + std::to_string(static_cast<int>(told_percentiles[i]))] =
        number_or_null(n.percentiles[i]);
  out["pixels"] = n.pixels;
  out["clouds"] = of.clouds;
  out["album"] = album;
  out["index"] = index;
  return out;
}

/// Reasons that are told apart; further ones are counted together.
constexpr size_t most_reasons = 32;

/// Why images were left out: each reason once, with the number of images that have it.
class refusals {
 public:
  void add(const error& why) {
    auto text = to_string(why);
    if (counts_.size() >= most_reasons && !counts_.contains(text)) text = "for other reasons";
    ++counts_[text];
    ++all_;
  }
  uint64_t all() const { return all_; }

  void tell(output& out) const {
    for (const auto& [text, count] : counts_)
      out.complain(count == 1 ? text : text + " (" + std::to_string(count) + " images)");
  }

 private:
  std::map<std::string, uint64_t> counts_;
  uint64_t all_ = 0;
};

/// Whether the image could not be asked for, rather than has not what the index wants.
bool is_lacking(const error& why) {
  return why.code == ec::unavailable || why.code == ec::timeout;
}

result<int> measure(context& with, const arguments& given) {
  for (const auto* name : {"type", "name", "threads", "task", "detach"})
    if (given.has(name))
      return fail(ec::invalid_argument, std::string("image index --") + name,
                  "it is for images that are kept", "give --store too, or leave it out");
  measure_request wanted;
  wanted.album = given.words[0];
  wanted.expression = given.words[1];
  wanted.keep_clouds = given.has("keep-clouds");
  STIP_ASSIGN(const auto index, define_index(wanted.expression));
  find_request request;
  request.album = wanted.album;
  request.limit = batch_images;
  STIP_ASSIGN(request.match, given.filter());
  STIP_ASSIGN(request.order, given.order());
  STIP_ASSIGN(auto* node, with.connect(access::read));
  std::optional<listing> rows;
  std::vector<std::string> problems;
  refusals refused;
  uint64_t measured = 0;
  for (bool more = true; more && with.out().good();) {
    STIP_ASSIGN(auto page, node->find(request));
    if (!rows) rows.emplace(with.out(), statistics_columns());
    problems.insert(problems.end(), page.problems.begin(), page.problems.end());
    more = page.more;
    if (more) {
      request.after = page.rows.back().facts();
      request.has_after = true;
    }
    std::erase_if(page.rows,
                  [&](const image_row& row) { return !is_derived_of(row, request.match); });
    const auto found = node->measure_all(wanted, page.rows, [&] { return with.out().good(); });
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i]) {
        rows->add(statistics_object(wanted.album, index.derived_name(), page.rows[i], *found[i]));
        ++measured;
      } else if (is_lacking(found[i].error())) {
        problems.push_back(to_string(found[i].error()));
      } else {
        refused.add(found[i].error());
      }
    }
    rows->flush();
  }
  if (rows) rows->finish();
  refused.tell(with.out());
  const auto status = with.report(problems);
  return status == done && measured == 0 && refused.all() > 0 ? failed : status;
}

result<int> run(context& with, const arguments& given) {
  if (!given.has("store")) return measure(with, given);
  // Wrong usage is told without a node.
  STIP_TRY(define_index(given.words[1]));
  STIP_TRY(parse_index_type(given.text("type", "float")));
  if (given.has("name")) STIP_TRY(check_product_name(given.text("name")));
  STIP_ASSIGN(auto wanted, wanted_transform(given, "index"));
  wanted.options[std::string(transform_option::expression)] = given.words[1];
  take_options(given, {transform_option::type, transform_option::name},
               {transform_option::keep_clouds}, wanted);
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_index_verb() {
  auto v =
      transform_verb("index", "band indices and arithmetic: statistics, or derived images",
                     "stip image index olinda '(B08-B04)/(B08+B04)' -p 'Sentinel-2*' -g 7nk -r");
  v.takes.push_back({"INDEX",
                     "ndvi, ndsi, ndwi, mndwi, ndbi, bsi, evi, savi, nbr, or an expression over "
                     "bands or roles of bands"});
  v.options.push_back({"store", '\0', "", "keep derived images (as a task)"});
  v.options.push_back({"type", '\0', "TYPE", "of their pixels: float, or int16 (scale 0.0001)"});
  v.options.push_back({"name", '\0', "NAME", "their source (the index, or index-HASH)"});
  v.options.push_back({"keep-clouds", '\0', "", "clouds and their shadows are not left out"});
  v.run = run;
  return v;
}

}  // namespace stip::cli
