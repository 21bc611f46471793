#include "apps/stip/node_names.hpp"

#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

/// Every code below the prefix; the empty one has all.
find_request images_below(const std::string& album, const std::string& prefix) {
  find_request out;
  out.album = album;
  if (prefix.empty()) return out;
  out.match.geocode = prefix;
  out.match.recurse = true;
  return out;
}

}  // namespace

std::vector<std::string> node_names::answer(
    const std::string& title, const std::function<result<names>(const client&)>& ask) {
  const auto now = std::chrono::steady_clock::now();
  if (const auto found = kept_.find(title);
      found != kept_.end() && now - found->second.first < defaults::completion_memory)
    return found->second.second;
  if (now < silent_until_) return {};
  auto node = way_.connect_soon(defaults::completion_deadline);
  const auto given = node ? ask(*node) : result<names>{tl::unexpect, std::move(node).error()};
  if (!given) {
    // An unknown album is an answer; silence is what must not be waited for again.
    const auto code = given.error().code;
    if (code == ec::timeout || code == ec::unavailable) {
      silent_until_ = std::chrono::steady_clock::now() + defaults::completion_pause;
      way_.close();
    }
    return {};
  }
  // What is no longer fresh is of no use; so this stays small.
  std::erase_if(kept_, [&](const auto& entry) {
    return now - entry.second.first >= defaults::completion_memory;
  });
  kept_[title] = {std::chrono::steady_clock::now(), *given};
  return *given;
}

std::vector<std::string> node_names::from_extents(
    const std::string& title, const std::string& album, const std::string& prefix,
    const std::function<std::string(const extent_row&)>& name) {
  return answer(title + "/" + album + "/" + prefix, [&](const client& node) -> result<names> {
    STIP_ASSIGN(const auto page, node.extents(images_below(album, prefix)));
    names out;
    for (const auto& row : page.rows) out.push_back(name(row));
    return out;
  });
}

std::vector<std::string> node_names::albums() {
  return answer("albums", [](const client& node) -> result<names> {
    STIP_ASSIGN(const auto all, node.albums());
    names out;
    for (const auto& a : all) out.push_back(a.name);
    return out;
  });
}

std::vector<std::string> node_names::tasks() {
  return answer("tasks", [](const client& node) -> result<names> {
    STIP_ASSIGN(const auto all, node.tasks());
    names out;
    for (const auto& task : all) out.push_back(task.id);
    return out;
  });
}

std::vector<std::string> node_names::nodes() {
  return answer("nodes", [](const client& node) -> result<names> {
    STIP_ASSIGN(const auto all, node.nodes());
    names out;
    for (const auto& n : all) out.push_back(node_name(n.node.info.id));
    return out;
  });
}

std::vector<std::string> node_names::platforms(const std::string& album) {
  return from_extents("platforms", album, {}, [](const extent_row& row) { return row.platform; });
}

std::vector<std::string> node_names::sources(const std::string& album) {
  return from_extents("sources", album, {}, [](const extent_row& row) { return row.source; });
}

std::vector<std::string> node_names::geocodes(const std::string& album, const std::string& prefix) {
  return from_extents("geocodes", album, prefix, [](const extent_row& row) { return row.geocode; });
}

}  // namespace stip::cli
