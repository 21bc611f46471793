#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <string>

#include "libstip/catalog/index.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_album.hpp"

// The index against SQLite in memory: the same images, the same filter, the same rows in the same
// order. SQLite gives the columns of each row; ours is the page as it travels, and what the scenes
// have in common besides.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr uint64_t million = 1'000'000;

/// What two answers are compared by.
struct outcome {
  uint64_t rows = 0;
  uint64_t sum = 0;
  bool operator==(const outcome&) const = default;
};

void add(outcome& o, int64_t time, uint64_t bytes) {
  ++o.rows;
  // The position counts, so that another order is another sum.
  o.sum = o.sum * 31 + static_cast<uint64_t>(time) + bytes;
}

class database {
 public:
  database() {
    if (sqlite3_open(":memory:", &db_) != SQLITE_OK) give_up("SQLite does not open");
  }
  ~database() { sqlite3_close(db_); }

  void run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      give_up(std::string("SQLite: ") + sqlite3_errmsg(db_));
  }

  using statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;
  statement prepare(const char* sql) {
    sqlite3_stmt* s = nullptr;
    if (sqlite3_prepare_v2(db_, sql, -1, &s, nullptr) != SQLITE_OK)
      give_up(std::string("SQLite: ") + sqlite3_errmsg(db_));
    return {s, sqlite3_finalize};
  }

 private:
  sqlite3* db_ = nullptr;
};

void bind_text(sqlite3_stmt* s, int at, const std::string& text) {
  sqlite3_bind_text(s, at, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void step(sqlite3_stmt* s) {
  if (sqlite3_step(s) != SQLITE_DONE) give_up("SQLite does not insert");
  sqlite3_reset(s);
}

/// One table with all that a row shows, and the index that the filter wants.
void fill_indexed(database& db, const synthetic_album& album) {
  db.run(
      "CREATE TABLE images (platform TEXT, geocode TEXT, source TEXT, tile TEXT, timestamp INTEGER,"
      " pixel_coverage REAL, cloud_coverage REAL, scene INTEGER, width INTEGER, height INTEGER,"
      " bytes INTEGER, content BLOB); BEGIN");
  const auto insert = db.prepare("INSERT INTO images VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  auto* s = insert.get();
  for (uint64_t i = 0; i < album.size(); ++i) {
    const auto m = album.image(i);
    bind_text(s, 1, synthetic_album::platform(m.platform));
    bind_text(s, 2, unpack(geocode_algorithm::geohash, m.geocode));
    bind_text(s, 3, "raw");
    bind_text(s, 4, synthetic_album::tile(m.scene));
    sqlite3_bind_int64(s, 5, m.time);
    sqlite3_bind_double(s, 6, m.pixel_coverage);
    sqlite3_bind_double(s, 7, m.cloud_coverage);
    sqlite3_bind_int64(s, 8, m.scene);
    sqlite3_bind_int64(s, 9, m.chip.width);
    sqlite3_bind_int64(s, 10, m.chip.height);
    sqlite3_bind_int64(s, 11, static_cast<int64_t>(m.chip.bytes));
    sqlite3_bind_blob(s, 12, &m.chip.content, sizeof m.chip.content, SQLITE_TRANSIENT);
    step(s);
  }
  db.run("COMMIT; CREATE INDEX by_place ON images (platform, geocode, timestamp); ANALYZE");
}

/// The earlier system's tables: images and their files, no index on any column.
void fill_earlier(database& db, const synthetic_album& album) {
  db.run(
      "CREATE TABLE images (id INTEGER PRIMARY KEY, platform TEXT, geocode TEXT, source TEXT,"
      " tile TEXT, timestamp INTEGER, cloud_coverage REAL);"
      "CREATE TABLE files (image_id INTEGER, subdataset INTEGER, pixel_coverage REAL, width "
      "INTEGER,"
      " height INTEGER, bytes INTEGER, content BLOB); BEGIN");
  const auto image = db.prepare("INSERT INTO images VALUES (?,?,?,?,?,?,?)");
  const auto file = db.prepare("INSERT INTO files VALUES (?,0,?,?,?,?,?)");
  for (uint64_t i = 0; i < album.size(); ++i) {
    const auto m = album.image(i);
    auto* s = image.get();
    sqlite3_bind_int64(s, 1, static_cast<int64_t>(i));
    bind_text(s, 2, synthetic_album::platform(m.platform));
    bind_text(s, 3, unpack(geocode_algorithm::geohash, m.geocode));
    bind_text(s, 4, "raw");
    bind_text(s, 5, synthetic_album::tile(m.scene));
    sqlite3_bind_int64(s, 6, m.time);
    sqlite3_bind_double(s, 7, m.cloud_coverage);
    step(s);
    s = file.get();
    sqlite3_bind_int64(s, 1, static_cast<int64_t>(i));
    sqlite3_bind_double(s, 2, m.pixel_coverage);
    sqlite3_bind_int64(s, 3, m.chip.width);
    sqlite3_bind_int64(s, 4, m.chip.height);
    sqlite3_bind_int64(s, 5, static_cast<int64_t>(m.chip.bytes));
    sqlite3_bind_blob(s, 6, &m.chip.content, sizeof m.chip.content, SQLITE_TRANSIENT);
    step(s);
  }
  db.run("COMMIT");
}

/// The columns `time` and `bytes` of a statement are where the two numbers say.
outcome ask(sqlite3_stmt* s, const filter& f, bool as_range, int time, int bytes) {
  const auto& prefix = *f.geocode;
  bind_text(s, 1, *f.platform);
  if (as_range) {
    bind_text(s, 2, prefix);
    auto end = prefix;
    ++end.back();
    bind_text(s, 3, end);
  } else {
    bind_text(s, 2, prefix + "%");
    bind_text(s, 3, "");
  }
  sqlite3_bind_int64(s, 4, *f.start);
  sqlite3_bind_int64(s, 5, *f.end);
  sqlite3_bind_double(s, 6, static_cast<float>(*f.cloud_coverage));
  sqlite3_bind_double(s, 7, static_cast<float>(*f.pixel_coverage));
  outcome o;
  size_t read = 0;
  const int columns = sqlite3_column_count(s);
  while (sqlite3_step(s) == SQLITE_ROW) {
    for (int i = 0; i < columns; ++i) switch (sqlite3_column_type(s, i)) {
        case SQLITE_TEXT:
          read += static_cast<size_t>(sqlite3_column_text(s, i)[0]);
          break;
        case SQLITE_BLOB:
          read += static_cast<const uint8_t*>(sqlite3_column_blob(s, i))[0];
          break;
        default:
          read += sqlite3_column_double(s, i) > 0 ? 1 : 0;
      }
    add(o, sqlite3_column_int64(s, time), static_cast<uint64_t>(sqlite3_column_int64(s, bytes)));
  }
  sqlite3_reset(s);
  if (read == 0) give_up("SQLite gave nothing");
  return o;
}

constexpr auto indexed_sql =
    "SELECT platform, geocode, source, tile, timestamp, pixel_coverage, cloud_coverage, scene,"
    " width, height, bytes, content FROM images WHERE platform = ? AND geocode >= ? AND geocode < ?"
    " AND timestamp >= ? AND timestamp <= ? AND cloud_coverage <= ? AND pixel_coverage >= ?"
    " ORDER BY timestamp, geocode, platform, source, tile";

constexpr auto earlier_sql =
    "SELECT images.platform, images.geocode, images.source, images.tile, images.timestamp,"
    " files.pixel_coverage, images.cloud_coverage, files.subdataset, files.width, files.height,"
    " files.bytes, files.content FROM images JOIN files ON images.id = files.image_id"
    " WHERE images.platform = ? AND images.geocode LIKE ? AND ? = ''"
    " AND images.timestamp >= ? AND images.timestamp <= ? AND images.cloud_coverage <= ?"
    " AND files.pixel_coverage >= ?"
    " ORDER BY images.timestamp, images.geocode, images.platform, images.source, images.tile";

outcome outcome_of(const found_page& page) {
  const auto rows = value_or_give_up(decode_image_rows(page.rows));
  outcome o;
  for (const auto& r : rows) add(o, r.key.timestamp, r.subdatasets.front().bytes);
  return o;
}

found_page ask(const image_index& index, const filter& f) {
  return index.page(f, sort_field::timestamp, 2000, {}, "node-1");
}

/// A contender that asks an index over and over.
std::function<work()> asking(const image_index& index, const filter& f) {
  return [&index, f] {
    (void)ask(index, f);
    return work{1, 0};
  };
}

std::string named(uint64_t images) {
  return images >= million ? std::to_string(images / million) + " M"
                           : std::to_string(images / 1000) + " k";
}

void compare_with_sqlite(const image_index& index, const synthetic_album& album,
                         const options& options) {
  const auto f = synthetic_album::query();
  database indexed, earlier;
  fill_indexed(indexed, album);
  fill_earlier(earlier, album);
  const auto with_index = indexed.prepare(indexed_sql);
  const auto without = earlier.prepare(earlier_sql);
  const auto expected = ask(with_index.get(), f, true, 4, 10);
  report("rows of the query", double(expected.rows), "");
  if (!(outcome_of(ask(index, f)) == expected)) give_up("the index gives other rows than SQLite");
  if (!(ask(without.get(), f, false, 4, 10) == expected))
    give_up("the earlier statement gives other rows");
  comparison c{"a query among " + named(album.size()) + " images", "queries", options};
  c.repeat_for(0.2);
  c.add("the index, a packed page", asking(index, f));
  c.add("the index, decoded rows", [&] {
    (void)value_or_give_up(decode_image_rows(ask(index, f).rows));
    return work{1, 0};
  });
  c.add("SQLite with an index", [&] {
    (void)ask(with_index.get(), f, true, 4, 10);
    return work{1, 0};
  });
  c.add("the earlier statement", [&] {
    (void)ask(without.get(), f, false, 4, 10);
    return work{1, 0};
  });
  c.run();
  c.ratio("the index, a packed page", "SQLite with an index", goal::at_least, 50);
  c.ratio("the index, decoded rows", "SQLite with an index");
  c.ratio("the index, a packed page", "the earlier statement");

  filter platform;
  platform.platform = f.platform;
  platform.geocode = "9x";
  platform.recurse = true;
  const auto groups = indexed.prepare(
      "SELECT substr(geocode, 1, 3), source, length(geocode), count(*) FROM images WHERE platform ="
      " ? AND geocode >= '9x' AND geocode < '9y' GROUP BY 1, 2, 3");
  comparison e{"counts by prefix of one platform's images", "queries", options};
  e.repeat_for(0.2);
  e.add("the index", [&] {
    if (index.extents(platform).size() != 32) give_up("the index counts other groups");
    return work{1, 0};
  });
  e.add("SQLite with an index", [&] {
    bind_text(groups.get(), 1, *platform.platform);
    size_t rows = 0;
    while (sqlite3_step(groups.get()) == SQLITE_ROW) ++rows;
    sqlite3_reset(groups.get());
    if (rows != 32) give_up("SQLite counts other groups");
    return work{1, 0};
  });
  e.run();
  e.ratio("the index", "SQLite with an index");
}

/// A page in the middle of a listing without a prefix, in an order.
std::function<work()> paging(const image_index& index, sort_field order) {
  auto after = std::make_shared<std::optional<image_facts>>();
  return [&index, order, after] {
    const auto rows = index.find({}, order, 100, *after);
    *after = rows.size() < 100 ? std::nullopt : std::optional(rows.back().facts());
    return work{1, 0};
  };
}

}  // namespace

STIP_BENCH(queries, "the index against SQLite in memory; cost by the size of the album") {
  std::vector<uint64_t> sizes = {10'000, 100'000, million, 10 * million};
  if (!options.arguments.empty()) sizes = {10'000, std::stoull(options.arguments.front())};
  std::vector<image_index> indices;
  for (const auto images : sizes) {
    const auto before = anonymous_bytes();
    indices.emplace_back(synthetic_album(images).columns());
    const auto bytes = indices.back().memory_bytes();
    report(named(images) + " images: memory of the index", double(bytes) / double(images),
           "bytes an image");
    report(named(images) + " images: growth of the process",
           double(anonymous_bytes() - before) / double(images), "bytes an image");
  }
  for (size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] == million || sizes.size() == 2)
      if (i > 0) compare_with_sqlite(indices[i], synthetic_album(sizes[i]), options);

  const auto f = synthetic_album::query();
  comparison flat{"the same query by the size of the album", "queries", options};
  flat.repeat_for(0.1);
  for (size_t i = 0; i < sizes.size(); ++i)
    flat.add("among " + named(sizes[i]), asking(indices[i], f));
  flat.run();
  flat.ratio("among " + named(sizes.back()), "among " + named(sizes.front()), goal::at_least, 0.5);

  comparison pages{"pages of 100 through the whole album of " + named(sizes.back()), "pages",
                   options};
  pages.repeat_for(0.1);
  pages.add("by time", paging(indices.back(), sort_field::timestamp));
  pages.add("by geocode", paging(indices.back(), sort_field::geocode));
  pages.add("by key", paging(indices.back(), sort_field::key));
  pages.add("by tile (scans)", paging(indices.back(), sort_field::tile));
  pages.run();

  comparison commits{"a new snapshot for 100 changes", "changes", options};
  commits.repeat_for(0.1);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const synthetic_album other(sizes[i]);
    auto index = std::make_shared<image_index>(indices[i]);
    auto number = std::make_shared<uint64_t>(sizes[i]);
    commits.add("to " + named(sizes[i]), [other, index, number] {
      std::vector<index_change> changes(100);
      for (auto& change : changes) {
        const auto m = other.image((*number)++);
        change.entry.key = {synthetic_album::platform(m.platform),
                            unpack(geocode_algorithm::geohash, m.geocode), "raw",
                            synthetic_album::tile(m.scene), m.time};
        change.entry.pixel_coverage = m.pixel_coverage;
        change.entry.cloud_coverage = m.cloud_coverage;
      }
      *index = index->with(changes);
      return work{double(changes.size()), 0};
    });
  }
  commits.run();
  commits.ratio("to " + named(sizes.back()), "to " + named(sizes.front()));
}
