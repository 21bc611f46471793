#include "tests/support/actors/fixture.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include "libstip/catalog/image.hpp"
#include "libstip/format/reader_pool.hpp"

namespace stip::test {

actor_fixture::actor_fixture() {
  context = make_context(files / "node");
}

actor_fixture::~actor_fixture() {
  for (auto& jobs : held_) {
    jobs->waiting.clear();
    jobs->answers.owed.clear();
  }
  // The last one first: those that were spawned later use the earlier ones.
  for (auto at = kept_.rbegin(); at != kept_.rend(); ++at)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(*at), caf::exit_reason::user_shutdown);
  settle();
  kept_.clear();
}

void actor_fixture::pass(int64_t ms) {
  const int64_t step = defaults::tick_interval.count();
  settle();
  for (int64_t passed = 0; passed < ms; passed += step) {
    const auto now = std::min(step, ms - passed);
    time.now_ms += now;
    advance_time(caf::timespan{std::chrono::milliseconds{now}});
    settle();
  }
}

executor_actor actor_fixture::held_executor(const std::shared_ptr<held_jobs>& jobs) {
  held_.push_back(jobs);
  return fake<executor_actor>([jobs](caf::event_based_actor* me) -> caf::behavior {
    return {runs_jobs, [me, jobs](atom::run, job& todo) {
              jobs->waiting.push_back(std::move(todo));
              return jobs->answers.take(me, 0);
            }};
  });
}

caf::actor actor_fixture::spawn_fake(
    std::function<caf::behavior(caf::event_based_actor*)> handlers) {
  return keep(sys.spawn([handlers = std::move(handlers)](
                            caf::event_based_actor* me) -> caf::behavior { return handlers(me); }));
}

peer actor_fixture::other_node(uint64_t id) const {
  peer p;
  p.member.info.id = id;
  p.member.info.incarnation = 1;
  p.member.info.cluster = "test";
  p.member.info.host = "127.0.0.1";
  p.member.info.port = static_cast<uint16_t>(id);
  p.member.info.tokens = derive_tokens(id, 8);
  p.member.state = member_state::up;
  p.reachable = true;
  p.handles.info = p.member.info;
  return p;
}

cluster_view_ptr actor_fixture::view_of(const node_handles& own, const std::vector<peer>& others,
                                        const std::vector<std::string>& missing, uint64_t version) {
  auto view = std::make_shared<cluster_view>();
  peer me;
  me.member = {context->self, member_state::up};
  me.self = me.reachable = true;
  me.handles = own;
  view->peers.push_back(me);
  view->peers.insert(view->peers.end(), others.begin(), others.end());
  std::sort(view->peers.begin(), view->peers.end(),
            [](const peer& a, const peer& b) { return a.member.info.id < b.member.info.id; });
  view->missing = missing;
  std::vector<ring_node> nodes;
  for (const auto& p : view->peers)
    nodes.push_back({p.member.info.id, p.member.info.rack, p.member.info.tokens});
  auto made = ring::make(std::move(nodes), version);
  if (!made) CAF_FAIL("no ring: " << to_string(made.error()));
  view->ring = std::move(*made);
  return view;
}

std::shared_ptr<node_context> actor_fixture::make_context(const std::string& directory) {
  auto c = std::make_shared<node_context>();
  c->settings = default_settings();
  c->settings.directory = directory;
  c->settings.free_bytes_watermark = 0;
  auto opened = data_directory::open(directory, open_mode::read_write);
  if (!opened) CAF_FAIL("no directory: " << to_string(opened.error()));
  c->directory = std::move(*opened);
  c->log = std::make_shared<spdlog::logger>("test",
                                            std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
  c->time = &time;
  c->self.id = own_id;
  c->self.incarnation = 1;
  c->self.cluster = "test";
  c->self.host = "127.0.0.1";
  c->self.port = 1;
  c->self.tokens = derive_tokens(own_id, 8);
  c->versions = std::make_shared<version_clock>(own_id, time);
  c->load_memory = std::make_shared<budget>(uint64_t{64} << 20);
  c->load_buffers = std::make_shared<shared_pool>(c->load_memory->total());
  c->transfer_memory = std::make_shared<budget>(uint64_t{64} << 20);
  c->writers = keep(spawn_inline_executor(sys));
  c->readers = keep(spawn_inline_executor(sys));
  c->loaders = keep(spawn_inline_executor(sys));
  c->file_readers = std::make_shared<reader_pool>();
  c->maintenance = keep(spawn_inline_executor(sys));
  c->maintenance_pace = std::make_shared<pacer>(c->settings.maintenance_rate);
  return c;
}

album actor_fixture::make_album(const std::string& name, int64_t created_ms) {
  album a;
  a.name = name;
  a.created = a.changed = {created_ms, 0, own_id};
  a.uid = hash128_of(name + std::to_string(created_ms));
  return a;
}

chip_parts actor_fixture::image_message(const image_key& key, int64_t written_ms) {
  const auto chip = random_chip(random, key, 0, 1, 0, {written_ms, 0, own_id});
  chip_part part;
  part.upload = {own_id, ++uploads_};
  for (uint32_t i = 0; i < chip.records.size(); ++i)
    if (!chip.records[i].empty()) part.blocks.push_back(i);
  const auto bytes = joined(chip.records);
  part.records.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  part.description = encode(chip.chip);
  const auto scene = sample_scene(0);
  return {{{scene.id, scene.json}}, {std::move(part)}, {}};
}

}  // namespace stip::test
