#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "libstip/catalog/row_columns.hpp"
#include "libstip/catalog/rows.hpp"

namespace stip {

namespace {

/// Pages opened, and every text of theirs with one number for all.
struct open_pages {
  std::vector<row_columns> pages;
  /// Of each page: where each row's geocode and chips begin.
  std::vector<std::vector<uint32_t>> first_geocode, first_chip;
  /// Of each page: what the form of each layout begins with.
  std::vector<std::vector<layout_head>> heads;
  /// Of each page: the common number of each text.
  std::vector<std::vector<uint32_t>> numbers;
  std::vector<std::string_view> texts;
};

struct page_row {
  uint32_t page = 0;
  uint32_t row = 0;
  /// In `nodes` of the merge; what the page says until copies were united.
  uint32_t nodes = 0;
};

result<open_pages> open(const std::vector<rows_page>& buffers) {
  open_pages out;
  std::unordered_map<std::string_view, uint32_t> known;
  for (const auto& buffer : buffers) {
    STIP_ASSIGN(auto page, unpack_rows(buffer.rows));
    auto& geocodes = out.first_geocode.emplace_back();
    auto& chips = out.first_chip.emplace_back();
    auto& heads = out.heads.emplace_back();
    for (const auto& form : page.layouts) heads.push_back(head_of_layout(form));
    uint32_t geocode = 0, chip = 0;
    for (size_t i = 0; i < page.size(); ++i) {
      geocodes.push_back(geocode);
      chips.push_back(chip);
      geocode += page.geocode_bytes[i];
      chip += static_cast<uint32_t>(heads[page.layout[i]].chips);
    }
    geocodes.push_back(geocode);
    chips.push_back(chip);
    auto& numbers = out.numbers.emplace_back();
    for (const auto& text : page.texts) {
      const auto [at, is_new] = known.try_emplace(text, static_cast<uint32_t>(out.texts.size()));
      if (is_new) out.texts.push_back(text);
      numbers.push_back(at->second);
    }
    out.pages.push_back(std::move(page));
  }
  return out;
}

class page_merge {
 public:
  page_merge(open_pages pages, sort_field order) : open_(std::move(pages)), order_(order) {}

  bool before(const page_row& a, const page_row& b) const {
    const auto& x = open_.pages[a.page];
    const auto& y = open_.pages[b.page];
    const auto compared = [&](const auto& of, double x_value, double y_value) {
      return of(x_value) < of(y_value) ? -1 : of(y_value) < of(x_value) ? 1 : 0;
    };
    const auto platform = [&] { return compare(x, x.platform[a.row], y, y.platform[b.row]); };
    const auto source = [&] { return compare(x, x.source[a.row], y, y.source[b.row]); };
    const auto tile = [&] { return compare(x, x.tile[a.row], y, y.tile[b.row]); };
    const auto time = [&] {
      return x.time[a.row] < y.time[b.row] ? -1 : x.time[a.row] > y.time[b.row] ? 1 : 0;
    };
    const auto codes = [&] { return geocode(a).compare(geocode(b)); };
    const auto first_of = [](auto... parts) {
      int order = 0;
      ((order = parts(), order != 0) || ...);
      return order;
    };
    if (order_ == sort_field::key) return first_of(platform, codes, source, tile, time) < 0;
    int lead = 0;
    switch (order_) {
      case sort_field::timestamp:
      case sort_field::key:
        break;
      case sort_field::geocode:
        lead = codes();
        break;
      case sort_field::platform:
        lead = platform();
        break;
      case sort_field::source:
        lead = source();
        break;
      case sort_field::tile:
        lead = tile();
        break;
      case sort_field::pixel_coverage:
        lead = compared([](double v) { return compared_pixel_coverage(v); },
                        x.pixel_coverage[a.row], y.pixel_coverage[b.row]);
        break;
      case sort_field::cloud_coverage:
        lead = compared([](double v) { return v < 0 ? INFINITY : compared_cloud_coverage(v); },
                        x.cloud_coverage[a.row], y.cloud_coverage[b.row]);
        break;
    }
    if (lead != 0) return lead < 0;
    return first_of(time, codes, platform, source, tile) < 0;
  }

  /// Whether a page is as the merge would leave it.
  bool is_in_order(uint32_t page) const {
    const auto& p = open_.pages[page];
    for (const auto& set : p.node_sets)
      if (set.size() > 1) return false;
    for (uint32_t i = 1; i < p.size(); ++i)
      if (!before({page, i - 1, 0}, {page, i, 0})) return false;
    return true;
  }

  /// The rows of a page, in order.
  std::vector<page_row> rows_of(uint32_t page) const {
    std::vector<page_row> rows;
    for (uint32_t i = 0; i < open_.pages[page].size(); ++i) rows.push_back({page, i, 0});
    const auto sooner = [this](const page_row& a, const page_row& b) { return before(a, b); };
    if (!std::is_sorted(rows.begin(), rows.end(), sooner))
      std::sort(rows.begin(), rows.end(), sooner);
    return rows;
  }

  /// Keeps the best of the rows of each image and gives it the nodes of all. Where copies differ
  /// (one node knows the cloud coverage, another does not yet), equal keys need not stand beside
  /// each other in the order.
  void unite(std::vector<std::vector<page_row>>& pages) {
    std::unordered_map<page_row, page_row, hash_key, equal_keys> best{0, hash_key{this},
                                                                      equal_keys{this}};
    std::unordered_map<page_row, std::vector<uint32_t>, hash_key, equal_keys> nodes{
        0, hash_key{this}, equal_keys{this}};
    for (const auto& rows : pages)
      for (const auto& r : rows) {
        const auto [at, is_new] = best.try_emplace(r, r);
        if (!is_new && better(r, at->second)) at->second = r;
        auto& all = nodes[r];
        const auto& p = open_.pages[r.page];
        for (const auto node : p.node_sets[p.nodes[r.row]])
          all.push_back(open_.numbers[r.page][node]);
      }
    std::map<std::vector<uint32_t>, uint32_t> sets;
    for (auto& rows : pages) {
      std::erase_if(rows, [&](const page_row& r) {
        const auto& kept = best.at(r);
        return kept.page != r.page || kept.row != r.row;
      });
      for (auto& r : rows) {
        auto& set = nodes.at(r);
        std::sort(set.begin(), set.end(),
                  [&](uint32_t a, uint32_t b) { return open_.texts[a] < open_.texts[b]; });
        set.erase(std::unique(set.begin(), set.end()), set.end());
        const auto next = static_cast<uint32_t>(node_sets_.size());
        const auto [at, is_new] = sets.try_emplace(set, next);
        if (is_new) node_sets_.push_back(set);
        r.nodes = at->second;
      }
    }
  }

  std::string pack(const std::vector<page_row>& rows) const {
    row_columns out;
    out.reserve(rows.size());
    std::vector<uint32_t> texts(open_.texts.size(), unused);
    const auto text = [&](uint32_t number) {
      if (texts[number] == unused) {
        texts[number] = static_cast<uint32_t>(out.texts.size());
        out.texts.push_back(open_.texts[number]);
      }
      return texts[number];
    };
    std::unordered_map<std::string_view, uint32_t> layouts;
    std::vector<uint32_t> sets(node_sets_.size(), unused);
    for (const auto& r : rows) {
      const auto& p = open_.pages[r.page];
      const auto& numbers = open_.numbers[r.page];
      out.platform.push_back(text(numbers[p.platform[r.row]]));
      out.source.push_back(text(numbers[p.source[r.row]]));
      out.tile.push_back(text(numbers[p.tile[r.row]]));
      const auto form = p.layouts[p.layout[r.row]];
      const auto [at, is_new] =
          layouts.try_emplace(form, static_cast<uint32_t>(out.layouts.size()));
      if (is_new) out.layouts.push_back(form);
      out.layout.push_back(at->second);
      if (sets[r.nodes] == unused) {
        sets[r.nodes] = static_cast<uint32_t>(out.node_sets.size());
        std::vector<uint32_t> set;
        for (const auto node : node_sets_[r.nodes]) set.push_back(text(node));
        out.node_sets.push_back(std::move(set));
      }
      out.nodes.push_back(sets[r.nodes]);
      out.geocodes += geocode(r);
      out.geocode_bytes.push_back(p.geocode_bytes[r.row]);
      out.time.push_back(p.time[r.row]);
      out.pixel_coverage.push_back(p.pixel_coverage[r.row]);
      out.cloud_coverage.push_back(p.cloud_coverage[r.row]);
      const auto [first, last] = chips(r);
      out.chips.insert(out.chips.end(), p.chips.begin() + first, p.chips.begin() + last);
    }
    return stip::pack(out);
  }

 private:
  static constexpr uint32_t unused = UINT32_MAX;

  struct hash_key {
    const page_merge* merge;
    size_t operator()(const page_row& r) const {
      constexpr uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads the low bits
      const auto& p = merge->open_.pages[r.page];
      const auto& numbers = merge->open_.numbers[r.page];
      uint64_t h = std::hash<std::string_view>{}(merge->geocode(r));
      for (const auto part :
           {uint64_t{numbers[p.platform[r.row]]}, uint64_t{numbers[p.source[r.row]]},
            uint64_t{numbers[p.tile[r.row]]}, static_cast<uint64_t>(p.time[r.row])})
        h = (h ^ (h >> 32) ^ part) * odd;
      return static_cast<size_t>(h ^ (h >> 32));
    }
  };

  struct equal_keys {
    const page_merge* merge;
    bool operator()(const page_row& a, const page_row& b) const {
      const auto& x = merge->open_.pages[a.page];
      const auto& y = merge->open_.pages[b.page];
      const auto& nx = merge->open_.numbers[a.page];
      const auto& ny = merge->open_.numbers[b.page];
      return x.time[a.row] == y.time[b.row] && nx[x.platform[a.row]] == ny[y.platform[b.row]] &&
             nx[x.source[a.row]] == ny[y.source[b.row]] && nx[x.tile[a.row]] == ny[y.tile[b.row]] &&
             merge->geocode(a) == merge->geocode(b);
    }
  };

  int compare(const row_columns& x, uint32_t a, const row_columns& y, uint32_t b) const {
    if (&x == &y && a == b) return 0;
    return x.texts[a].compare(y.texts[b]);
  }

  std::string_view geocode(const page_row& r) const {
    const auto& firsts = open_.first_geocode[r.page];
    return std::string_view(open_.pages[r.page].geocodes)
        .substr(firsts[r.row], firsts[r.row + 1] - firsts[r.row]);
  }

  std::pair<uint32_t, uint32_t> chips(const page_row& r) const {
    const auto& firsts = open_.first_chip[r.page];
    return {firsts[r.row], firsts[r.row + 1]};
  }

  /// Of two rows of one image: is `a` the better? Nodes do not count.
  bool better(const page_row& a, const page_row& b) const {
    const auto rank = [this](const page_row& r) {
      const auto& p = open_.pages[r.page];
      const auto [first, last] = chips(r);
      const auto& written = open_.heads[r.page][p.layout[r.row]].written;
      return std::tuple(written, last - first, p.cloud_coverage[r.row] >= 0,
                        p.pixel_coverage[r.row], p.cloud_coverage[r.row],
                        p.layouts[p.layout[r.row]]);
    };
    const auto ra = rank(a), rb = rank(b);
    if (ra != rb) return rb < ra;
    const auto content = [this](const page_row& r, size_t i) {
      const auto c = open_.pages[r.page].chips[chips(r).first + i];
      return std::tuple(c.content, c.width, c.height, c.pixel_coverage, c.bytes);
    };
    for (size_t i = 0; i < std::get<1>(ra); ++i)
      if (content(a, i) != content(b, i)) return content(b, i) < content(a, i);
    return false;
  }

  open_pages open_;
  sort_field order_;
  /// Common numbers of texts.
  std::vector<std::vector<uint32_t>> node_sets_;
};

}  // namespace

result<rows_page> merge_pages(std::vector<rows_page> pages, sort_field order, size_t limit) {
  STIP_ASSIGN(auto opened, open(pages));
  // Mostly one node has all of them: its page is the answer as it is.
  size_t filled = 0;
  uint32_t only = 0;
  for (uint32_t i = 0; i < pages.size(); ++i) {
    if (opened.pages[i].size() == 0 && !pages[i].more) continue;
    ++filled;
    only = i;
  }
  const bool is_alone = filled == 1 && opened.pages[only].size() <= limit;
  page_merge merge(std::move(opened), order);
  if (is_alone && merge.is_in_order(only)) return std::move(pages[only]);
  rows_page out;
  std::vector<std::vector<page_row>> rows;
  std::vector<page_row> last_of_more;
  for (uint32_t i = 0; i < pages.size(); ++i) {
    rows.push_back(merge.rows_of(i));
    out.more |= pages[i].more;
    if (pages[i].more && !rows.back().empty()) last_of_more.push_back(rows.back().back());
  }
  merge.unite(rows);
  const auto sooner = [&](const page_row& a, const page_row& b) { return merge.before(a, b); };
  std::vector<page_row> merged, both;
  for (auto& page : rows) {
    both.clear();
    std::merge(merged.begin(), merged.end(), page.begin(), page.end(), std::back_inserter(both),
               sooner);
    merged.swap(both);
  }
  for (const auto& last : last_of_more)
    std::erase_if(merged, [&](const page_row& r) { return merge.before(last, r); });
  if (merged.size() > limit) {
    merged.resize(limit);
    out.more = true;
  }
  out.rows = merge.pack(merged);
  return out;
}

}  // namespace stip
