#include "libstip/geo/cell_runs.hpp"

#include <algorithm>
#include <cmath>

#include "libstip/core/defaults.hpp"
#include "libstip/geo/cell_window.hpp"

namespace stip {

namespace {

/// Windows without a sample on the globe are divided down to this before they count as off it.
constexpr int64_t off_globe_pixels = 32;

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool accurate(const patch& fit) {
  return fit.x_error() <= defaults::patch_error_pixels * fit.x_step() &&
         fit.y_error() <= defaults::patch_error_pixels * fit.y_step();
}

}  // namespace

struct cell_runs::line {
  const patch& fit;
  int64_t row;
  quadratic x;
  quadratic y;
  /// Where to look for edges first; ascending.
  const std::vector<int64_t>& breaks;

  /// A pixel in [first, last) to look at next.
  int64_t probe(int64_t first, int64_t last) const {
    const auto hint = std::lower_bound(breaks.begin(), breaks.end(), first);
    return hint != breaks.end() && *hint < last ? *hint : first + (last - first) / 2;
  }
};

cell_runs::cell_runs(pixel_mapper mapper, const cell_grid& cells)
    : mapper_(std::move(mapper)), cells_(cells) {}

pixel_window cell_runs::window_of(cell_index cell) {
  return stip::window_of(mapper_, cells_, cell);
}

cell_index cell_runs::cell_of_pixel(int64_t col, int64_t row) {
  double x = static_cast<double>(col) + 0.5;
  double y = static_cast<double>(row) + 0.5;
  uint8_t ok = 0;
  mapper_.to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
  return ok ? cells_.cell_of(x, y) : cell_index{};
}

void cell_runs::runs(int64_t row, int64_t col_begin, int64_t col_end, std::vector<cell_run>& out) {
  out.clear();
  out_ = &out;
  const auto period = mapper_.period_columns();
  while (col_begin < col_end) {
    // On a periodic grid all copies of a pixel are answered from the raster's own columns.
    const int64_t turns = period ? floor_div(col_begin, *period) : 0;
    const int64_t shift = period ? turns * *period : 0;
    const int64_t end = period ? std::min(col_end, shift + *period) : col_end;
    flat_runs(row, col_begin - shift, end - shift, shift);
    col_begin = end;
  }
  out_ = nullptr;
}

void cell_runs::flat_runs(int64_t row, int64_t col_begin, int64_t col_end, int64_t shift) {
  constexpr int64_t side = defaults::patch_pixels;
  patch_row& patches = patches_of(row);
  shift_ = shift;
  while (col_begin < col_end) {
    const int64_t number = floor_div(col_begin, side);
    const int64_t end = std::min(col_end, (number + 1) * side);
    auto found = patches.roots.find(number);
    if (found == patches.roots.end()) {
      const pixel_window window{number * side, patches.number * side, (number + 1) * side,
                                (patches.number + 1) * side};
      found = patches.roots.emplace(number, build(patches, window)).first;
    }
    walk(patches, found->second, row, col_begin, end);
    col_begin = end;
  }
}

cell_runs::patch_row& cell_runs::patches_of(int64_t row) {
  const int64_t number = floor_div(row, defaults::patch_pixels);
  for (auto it = recent_.begin(); it != recent_.end(); ++it) {
    if (it->number != number) continue;
    recent_.splice(recent_.begin(), recent_, it);
    return recent_.front();
  }
  if (recent_.size() >= defaults::cached_patch_rows) recent_.pop_back();
  recent_.emplace_front().number = number;
  return recent_.front();
}

int32_t cell_runs::build(patch_row& patches, const pixel_window& window) {
  const auto number = static_cast<int32_t>(patches.nodes.size());
  patches.nodes.emplace_back();
  node made;
  made.window = window;
  made.fit = patch::fit(mapper_, window);
  const int64_t longest = std::max(window.width(), window.height());
  const auto state = made.fit.state();
  if (state == patch::kind::smooth && accurate(made.fit)) {
    made.state = node::kind::smooth;
  } else if (state == patch::kind::off_globe && longest <= off_globe_pixels) {
    made.state = node::kind::none;
  } else if (longest <= defaults::min_patch_pixels) {
    made.state = node::kind::exact;
    const auto count = static_cast<size_t>(window.width() * window.height());
    std::vector<double> x(count), y(count);
    std::vector<uint8_t> ok(count);
    for (size_t i = 0; i < count; ++i) {
      const auto at = static_cast<int64_t>(i);
      x[i] = static_cast<double>(window.col_begin + at % window.width()) + 0.5;
      y[i] = static_cast<double>(window.row_begin + at / window.width()) + 0.5;
    }
    mapper_.to_cell_crs(x, y, ok);
    made.pixels.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const cell_index cell = ok[i] ? cells_.cell_of(x[i], y[i]) : cell_index{};
      made.pixels.emplace_back(static_cast<int32_t>(cell.column), static_cast<int32_t>(cell.row));
    }
  } else {
    made.state = node::kind::divided;
    const int64_t col = window.col_begin + window.width() / 2;
    const int64_t row = window.row_begin + window.height() / 2;
    const pixel_window parts[4] = {
        {window.col_begin, window.row_begin, col, row},
        {col, window.row_begin, window.col_end, row},
        {window.col_begin, row, col, window.row_end},
        {col, row, window.col_end, window.row_end},
    };
    for (size_t i = 0; i < 4; ++i)
      if (!parts[i].empty()) made.children[i] = build(patches, parts[i]);
  }
  patches.nodes[static_cast<size_t>(number)] = std::move(made);
  return number;
}

void cell_runs::walk(patch_row& patches, int32_t number, int64_t row, int64_t begin, int64_t end) {
  node& part = patches.nodes[static_cast<size_t>(number)];
  begin = std::max(begin, part.window.col_begin);
  end = std::min(end, part.window.col_end);
  if (begin >= end) return;
  switch (part.state) {
    case node::kind::none:
      emit(begin, end, {});
      break;
    case node::kind::exact:
      for (int64_t col = begin; col < end; ++col) {
        const auto [column, cell_row] = part.pixels[static_cast<size_t>(
            (row - part.window.row_begin) * part.window.width() + col - part.window.col_begin)];
        emit(col, col + 1, {column, cell_row});
      }
      break;
    case node::kind::smooth:
      walk_smooth(part, row, begin, end);
      break;
    case node::kind::divided: {
      const int64_t middle = part.window.row_begin + part.window.height() / 2;
      const size_t half = row < middle ? 0 : 2;
      for (size_t i = half; i < half + 2; ++i)
        if (part.children[i] >= 0) walk(patches, part.children[i], row, begin, end);
      break;
    }
  }
}

void cell_runs::walk_smooth(node& part, int64_t row, int64_t begin, int64_t end) {
  const line along{part.fit, row, part.fit.row_x(row), part.fit.row_y(row), part.breaks};
  const size_t runs_before = out_->size();
  // Between the turning points x and y are monotonic, so that two pixels of one cell have only
  // pixels of that cell between them.
  std::array<int64_t, 4> cuts{begin, begin, begin, end};
  for (const auto* q : {&along.x, &along.y}) {
    const double turn = part.fit.col_of(-q->b / (2 * q->c));
    if (turn > static_cast<double>(begin) && turn < static_cast<double>(end))
      cuts[q == &along.x ? 1 : 2] = static_cast<int64_t>(std::floor(turn)) + 1;
  }
  if (cuts[1] > cuts[2]) std::swap(cuts[1], cuts[2]);
  for (size_t i = 0; i < 3; ++i) {
    if (cuts[i] >= cuts[i + 1]) continue;
    const int64_t first = cuts[i];
    const int64_t last = cuts[i + 1] - 1;
    bisect(along, first, guess_at(along, first), last, guess_at(along, last));
  }
  part.breaks.clear();
  // A run that began before this part may have been continued into it.
  for (size_t i = runs_before == 0 ? 0 : runs_before - 1; i < out_->size(); ++i) {
    const int64_t last = (*out_)[i].col_end - 1 - shift_;
    if (last >= begin && last < end - 1) part.breaks.push_back(last);
  }
}

cell_runs::guess cell_runs::guess_at(const line& along, int64_t col) const {
  const double u = along.fit.u_of(col);
  const double x = along.x.at(u);
  const double y = along.y.at(u);
  const double x_error = along.fit.x_error();
  const double y_error = along.fit.y_error();
  const auto outside = [&](int64_t row) { return guess{0, row, true}; };
  const double top = cells_.y_axis().half;
  if (y > top + y_error) return outside(cells_.rows());
  if (y < -top - y_error) return outside(-1);
  const int64_t row = cells_.y_axis().unbounded_index(y);
  const int64_t column = cells_.x_axis().unbounded_index(x);
  const bool certain = x - cells_.x_of(column) > x_error && cells_.x_of(column + 1) - x > x_error &&
                       y - cells_.y_of(row) > y_error && cells_.y_of(row + 1) - y > y_error &&
                       row >= 0 && row < cells_.rows();
  return {column, row, certain};
}

void cell_runs::bisect(const line& along, int64_t first, const guess& at_first, int64_t last,
                       const guess& at_last) {
  if (at_first.certain && at_last.certain && at_first.column == at_last.column &&
      at_first.row == at_last.row) {
    emit_guess(along, first, last + 1, at_first);
  } else if (last - first <= 1) {
    emit_guess(along, first, first + 1, at_first);
    if (last > first) emit_guess(along, last, last + 1, at_last);
  } else {
    const int64_t middle = along.probe(first, last);
    const guess at_middle = middle == first ? at_first : guess_at(along, middle);
    const guess after = middle + 1 == last ? at_last : guess_at(along, middle + 1);
    bisect(along, first, at_first, middle, at_middle);
    bisect(along, middle + 1, after, last, at_last);
  }
}

void cell_runs::emit_guess(const line& along, int64_t begin, int64_t end, const guess& of) {
  if (!of.certain) return emit(begin, end, cell_of_pixel(begin, along.row));
  if (of.row < 0 || of.row >= cells_.rows()) return emit(begin, end, {});
  // The number of columns is a power of two.
  emit(begin, end, {of.column & (cells_.columns() - 1), of.row});
}

void cell_runs::emit(int64_t begin, int64_t end, cell_index cell) {
  begin += shift_;
  end += shift_;
  if (!out_->empty()) {
    cell_run& last = out_->back();
    if (last.col_end == begin && last.cell_column == cell.column && last.cell_row == cell.row) {
      last.col_end = end;
      return;
    }
  }
  out_->push_back({begin, end, cell.column, cell.row});
}

}  // namespace stip
