#include "actors/node.hpp"

#include <algorithm>
#include <array>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <cstdlib>
#include <span>
#include <thread>

#include "actors/albums.hpp"
#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"
#include "actors/loader.hpp"
#include "actors/membership.hpp"
#include "actors/part_work.hpp"
#include "actors/query.hpp"
#include "actors/repair.hpp"
#include "actors/ring.hpp"
#include "actors/tasks.hpp"
#include "actors/transfer.hpp"
#include "actors/uploads.hpp"
#include "libstip/cluster/gossip_membership.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/format/reader_pool.hpp"

namespace stip {

namespace {

using self_pointer = node_pointer;

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

caf::error not_ready() {
  return to_caf({ec::unavailable, "ask the node", "it is starting", "try again in a moment"});
}

void end_others(self_pointer self) {
  auto& state = self->state;
  if (std::exchange(state.stopping, true)) return;
  const auto& h = state.handles;
  // From those that begin work to those that others need.
  auto end = [self](const auto& handle) {
    if (handle) self->send_exit(handle, caf::exit_reason::user_shutdown);
  };
  end(h.loader);
  end(h.repair);
  end(h.transfer);
  end(h.query);
  end(h.tasks);
  end(h.membership);
  end(h.ring);
  end(h.albums);
  const auto& c = *state.context;
  for (const auto* pool : {&c.loaders, &c.maintenance, &c.readers, &c.writers}) end(*pool);
  if (self->system().has_middleman()) self->system().middleman().unpublish(node_actor{self});
  self->quit(caf::exit_reason::user_shutdown);
}

/// The other nodes' answers carry their own numbers; states and shares are as seen from here.
std::vector<node_status> combine(const cluster_view& view, const node_context& context,
                                 const std::vector<std::pair<member, node_status>>& answers) {
  const auto now = context.time->steady_ms();
  const auto down_after = context.settings.down_after.count();
  const auto reachable = std::count_if(view.peers.begin(), view.peers.end(),
                                       [](const peer& p) { return p.reachable; });
  const auto down = std::count_if(view.peers.begin(), view.peers.end(),
                                  [](const peer& p) { return p.down_since_ms != 0; });
  const bool may_remove = down == 1 && 2 * static_cast<size_t>(reachable) > view.peers.size();
  uint64_t images = 0;
  for (const auto& [who, answer] : answers) images += answer.images;
  std::vector<node_status> out;
  for (const auto& p : view.peers) {
    node_status status;
    for (const auto& [who, answer] : answers)
      if (who.info.id == p.member.info.id) {
        status = answer;
        if (images > 0) status.image_share = double(answer.images) / double(images);
      }
    status.node = p.member;
    status.share = view.ring.share(p.member.info.id);
    if (p.down_since_ms != 0) {
      status.down_ms = std::max<int64_t>(now - p.down_since_ms, 0);
      if (may_remove && down_after > 0)
        status.removed_in_ms = std::max<int64_t>(down_after - status.down_ms, 0);
    }
    out.push_back(std::move(status));
  }
  return out;
}

/// Asks that node to do what the message says to its node actor, or tells why it cannot.
template <class T, class Atom>
caf::result<T> pass_on(self_pointer self, const std::string& what, Atom message, uint64_t id) {
  const auto* p = self->state.view->find(id);
  if (p == nullptr)
    return to_caf({ec::not_found, what, "no node has this id", "see `stip node list`"});
  if (!p->reachable) return to_caf({ec::unavailable, what, why_away(p), "see `stip node list`"});
  return self->delegate(p->handles.node, message, id);
}

}  // namespace

node_actor::behavior_type node_behavior(self_pointer self) {
  self->state.view = std::make_shared<cluster_view>();
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& state = self->state;
    if (state.stopping) return;
    state.context->log->critical("a part of the node has died ({}); the node stops",
                                 self->system().render(down.reason));
    end_others(self);
  });
  return {
      [self](atom::get) -> caf::result<node_handles> {
        if (!self->state.complete) return not_ready();
        return self->state.handles;
      },
      [self](atom::status) -> caf::result<node_status> {
        if (!self->state.complete) return not_ready();
        auto promise = self->make_response_promise<node_status>();
        ask(self, self->state.handles.albums, defaults::request_deadline, atom::here_v,
            atom::status_v)
            .then(
                [self, promise](const storage_status& sum) mutable {
                  auto& state = self->state;
                  node_status out;
                  out.node = {state.handles.info, member_state::up};
                  out.share = state.view->ring.share(state.context->self.id);
                  out.images = sum.images;
                  out.bytes = sum.live_bytes;
                  out.load = load_average();
                  promise.deliver(std::move(out));
                },
                [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
        return promise;
      },
      [self](atom::list) -> caf::result<std::vector<node_status>> {
        if (!self->state.complete) return not_ready();
        auto promise = self->make_response_promise<std::vector<node_status>>();
        auto view = self->state.view;
        gather<node_status>(
            *view,
            [self](const peer& p) {
              return ask(self, p.handles.node, defaults::request_deadline, atom::status_v);
            },
            [promise, view, context = self->state.context](auto answers, auto) mutable {
              promise.deliver(combine(*view, *context, answers));
            });
        return promise;
      },
      [self](atom::stop, uint64_t id) -> caf::result<bool> {
        auto& state = self->state;
        if (!state.complete) return not_ready();
        if (id == state.context->self.id) {
          auto promise = self->make_response_promise<bool>();
          stop_node(self, [promise]() mutable { promise.deliver(true); });
          return promise;
        }
        return pass_on<bool>(self, "stop node " + node_name(id), atom::stop_v, id);
      },
      [self](atom::drain, uint64_t id) -> caf::result<task_record> {
        auto& state = self->state;
        if (!state.complete) return not_ready();
        if (id == state.context->self.id) return drain_node(self);
        return pass_on<task_record>(self, "drain node " + node_name(id), atom::drain_v, id);
      },
      [self](atom::drain, const std::string& task) { resume_drain(self, task); },
      [self](atom::tick) { drain_tick(self); },
      [self](atom::start, node_handles& handles, context_ptr& context) {
        auto& state = self->state;
        state.context = std::move(context);
        state.handles = std::move(handles);
        state.complete = true;
        const auto& h = state.handles;
        auto watch = [self](const auto& handle) { self->monitor(handle); };
        watch(h.membership);
        watch(h.ring);
        watch(h.albums);
        watch(h.query);
        watch(h.repair);
        watch(h.transfer);
        watch(h.loader);
        watch(h.tasks);
      },
      [self](atom::peers, cluster_view_ptr& view) {
        auto& state = self->state;
        state.view = std::move(view);
        // Who dials this node is told how it describes itself now.
        if (const auto* own = state.view->find(state.handles.info.id))
          state.handles.info = own->member.info;
      },
  };
}

void stop_node(node_pointer self, std::function<void()> done) {
  auto& state = self->state;
  state.context->log->info("node {} stops", node_name(state.context->self.id));
  auto end = [self, done = std::move(done)] {
    done();
    end_others(self);
  };
  auto flush_tasks = [self, end] {
    ask(self, self->state.handles.tasks, defaults::request_deadline, atom::put_v)
        .then([end](bool) { end(); }, [end](caf::error&) { end(); });
  };
  ask(self, state.handles.membership, defaults::request_deadline, atom::stop_v)
      .then([=](bool) { flush_tasks(); }, [=](caf::error&) { flush_tasks(); });
}

// -- starting and ending ------------------------------------------------------------

namespace {

result<kept_tasks> read_tasks(const data_directory& directory) {
  kept_tasks out;
  STIP_ASSIGN(const auto parts, directory.values("task-part"));
  for (const auto& [name, bytes] : parts) {
    STIP_ASSIGN(auto part, decode_task_part(bytes));
    out.parts.push_back(std::move(part));
  }
  STIP_ASSIGN(const auto verdicts, directory.values("task-verdicts"));
  for (const auto& [name, bytes] : verdicts) {
    STIP_ASSIGN(out.verdicts, decode_task_verdicts(bytes));
  }
  return out;
}

result<gossip_memory> kept_members(const data_directory& directory) {
  STIP_ASSIGN(const auto values, directory.values("membership"));
  for (const auto& [name, bytes] : values)
    if (name == "peers") return decode_gossip_memory(bytes);
  return gossip_memory{};
}

/// The id of the task of a drain that is not through.
result<std::optional<std::string>> kept_drain(const data_directory& directory) {
  STIP_ASSIGN(const auto values, directory.values(drain_kind));
  for (const auto& [name, task] : values)
    if (name == drain_name) return std::optional{task};
  return std::optional<std::string>{};
}

/// Differs for every start of every node.
uint64_t random_seed(const member_info& self) {
  const std::array<uint64_t, 2> start{self.id, self.incarnation};
  return hash64(std::as_bytes(std::span{start}));
}

member_info describe_self(const node_settings& settings, const data_directory& directory) {
  member_info self;
  self.id = directory.node_id();
  self.incarnation = directory.incarnation();
  self.cluster = settings.cluster;
  self.host = settings.host;
  self.port = settings.port;
  self.rack = settings.rack;
  self.software = STIP_VERSION;
  self.tokens =
      settings.tokens.empty() ? derive_tokens(self.id, settings.token_count) : settings.tokens;
  std::sort(self.tokens.begin(), self.tokens.end());
  return self;
}

}  // namespace

result<std::unique_ptr<running_node>> running_node::start(caf::actor_system& system, parts p,
                                                          system_config::networking net) {
  auto context = std::make_shared<node_context>();
  STIP_ASSIGN(context->directory,
              data_directory::open(p.settings.directory, p.settings.mode, *p.files));
  context->settings = std::move(p.settings);
  context->time = p.time;
  context->files = p.files;
  context->self = describe_self(context->settings, *context->directory);
  context->tokens = context->self.tokens;
  STIP_ASSIGN(auto drain_kept, kept_drain(*context->directory));
  // Alone it hands nothing over.
  if (net == system_config::networking::off) drain_kept.reset();
  if (drain_kept) context->self.tokens.clear();
  // Each line of the log names its node, also where several nodes write to one place.
  context->log = p.log->clone(node_name(context->self.id));
  context->versions = std::make_shared<version_clock>(context->self.id, *p.time);
  const auto memory = double(context->settings.memory_limit);
  context->load_memory = std::make_shared<budget>(uint64_t(memory * defaults::load_memory_share));
  context->load_buffers = std::make_shared<shared_pool>(context->load_memory->total());
  context->transfer_memory =
      std::make_shared<budget>(uint64_t(memory * defaults::transfer_memory_share));
  STIP_ASSIGN(context->fresh, look_whether_fresh(*context->directory));
  STIP_ASSIGN(auto tasks_kept, read_tasks(*context->directory));
  STIP_ASSIGN(const auto members_kept, kept_members(*context->directory));
  STIP_ASSIGN(auto albums_kept, context->directory->albums());

  if (context->settings.mode != open_mode::read_only)
    if (auto emptied = empty_spool(spool_of(context->settings.directory)); !emptied)
      context->log->warn("{}", to_string(emptied.error()));

  auto node = system.spawn(node_behavior);
  if (net == system_config::networking::on) {
    auto port = publish(system, node, context->settings.host, context->settings.port);
    if (!port) {
      caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
      return fail(std::move(port).error());
    }
    context->self.port = *port;
  }
  // Nothing below can fail: the actors exist together or not at all.
  const auto& s = context->settings;
  context->writers = spawn_executor(system, defaults::writer_threads, defaults::max_queued_jobs);
  context->readers = spawn_executor(system, s.reader_threads, defaults::max_queued_jobs);
  context->loaders =
      spawn_executor(system, workers_of(s.loader_threads), defaults::max_queued_jobs);
  context->maintenance =
      spawn_executor(system, defaults::maintenance_threads, defaults::max_queued_jobs);
  reader_settings reading;
  reading.processes = 2 * s.loader_threads;
  context->file_readers = std::make_shared<reader_pool>(std::move(reading));
  context->maintenance_pace = std::make_shared<pacer>(s.maintenance_rate);

  node_handles h;
  h.info = context->self;
  h.node = node;
  h.ring = system.spawn(ring_behavior);
  h.albums = system.spawn(albums_behavior, context_ptr{context}, std::move(albums_kept));
  h.query = system.spawn(query_behavior, context_ptr{context}, h.albums);
  h.transfer = system.spawn(transfer_behavior, context_ptr{context}, h.albums);
  h.repair = system.spawn(repair_behavior, context_ptr{context}, h.albums, h.transfer);
  caf::anon_send(h.albums, atom::start_v, h.query, h.repair);
  h.tasks = system.spawn(tasks_behavior, context_ptr{context}, std::move(tasks_kept));
  h.loader = system.spawn(loader_behavior, context_ptr{context}, h.albums, h.transfer, h.tasks);
  auto spread = [h](const cluster_view_ptr& view) {
    caf::anon_send(h.ring, atom::peers_v, view);
    caf::anon_send(h.query, atom::peers_v, view);
    caf::anon_send(h.albums, atom::peers_v, view);
    caf::anon_send(h.transfer, atom::peers_v, view);
    caf::anon_send(h.repair, atom::peers_v, view);
    caf::anon_send(h.tasks, atom::peers_v, view);
    caf::anon_send(h.loader, atom::peers_v, view);
    caf::anon_send(h.node, atom::peers_v, view);
  };
  gossip_options gossip;
  gossip.down_after_ms = s.down_after.count();
  auto protocol = std::make_unique<gossip_membership>(context->self, s.peers, gossip,
                                                      random_seed(context->self), members_kept);
  h.membership = system.spawn(membership_behavior, context_ptr{context}, std::move(protocol), h,
                              std::function<void(cluster_view_ptr)>{spread});
  caf::anon_send(node, atom::start_v, h, context_ptr{context});
  if (drain_kept) caf::anon_send(node, atom::drain_v, *drain_kept);
  context->log->info("node {} of cluster '{}' serves {} on {}", node_name(h.info.id),
                     h.info.cluster, s.directory, h.info.address());
  return std::unique_ptr<running_node>{
      new running_node{system, std::move(h), std::weak_ptr<const node_context>{context}}};
}

running_node::running_node(caf::actor_system& system, node_handles handles,
                           std::weak_ptr<const node_context> context)
    : system_(system), handles_(std::move(handles)), context_(std::move(context)) {}

running_node::~running_node() {
  stop();
  wait(defaults::stop_deadline);
}

void running_node::stop() {
  caf::anon_send(handles_.node, atom::stop_v, handles_.info.id);
}

bool running_node::wait(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  // The directory is open as long as an actor or a job holds the context.
  while (!context_.expired()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(defaults::stop_poll_interval);
  }
  return true;
}

}  // namespace stip
