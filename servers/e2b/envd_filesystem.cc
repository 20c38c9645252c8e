// filesystem.Filesystem of envd: Stat, ListDir, MakeDir, Move, Remove and the two ways to watch.
#include <poll.h>

#include <thread>

#include "servers/e2b/auth.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/server.h"
#include "servers/e2b/stream.h"

namespace osiris::e2b_server {
namespace {

std::string user_of(const Call& call) {
  const std::string user = acting_user(call.request());
  return user.empty() ? call.sandbox->image.user : user;
}

void unary(Call& call, const char* op, const std::function<void(const Json& message, Json& request)>& fill) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  Json request = Json::object({{"op", op}, {"path", (*message)["path"]}, {"user", user_of(call)}});
  fill(*message, request);
  const Reply reply = call.sandbox->sandbox->call(std::move(request));
  if (!reply.error) return call.exchange.respond_json(200, reply.ok);
  if (reply.error->code == "unavailable") return call.exchange.abort();
  respond_connect_error(call.exchange, reply.error->code, reply.error->message);
}

void nothing_more(const Json&, Json&) {}

void stat(Call& call) { unary(call, "stat", nothing_more); }
void make_dir(Call& call) { unary(call, "mkdir", nothing_more); }
void remove(Call& call) { unary(call, "remove", nothing_more); }
void list_dir(Call& call) {
  unary(call, "list", [](const Json& message, Json& request) { request.set("depth", integer(message["depth"])); });
}
void move(Call& call) {
  unary(call, "move", [](const Json& message, Json& request) {
    request.set("path", message["source"]);
    request.set("destination", message["destination"]);
  });
}

// Turns the agent's lines into events of a subscriber until the stream is closed or the watch ends.
class WatchPump {
 public:
  WatchPump(FileDescriptor lines, std::shared_ptr<Subscriber> events)
      : lines_(std::move(lines)), events_(std::move(events)) {}

  void run() {
    std::string buffer;
    char block[65536];
    while (true) {
      pollfd ready{lines_.get(), POLLIN, 0};
      constexpr int kCheckMs = 200;  // how soon a stream that was left is noticed
      const int count = ::poll(&ready, 1, kCheckMs);
      if (events_->closed() != Subscriber::Closed::kNo || events_->is_left()) return;
      if (count <= 0) continue;
      const ssize_t got = ::read(lines_.get(), block, sizeof block);
      if (got <= 0) break;
      buffer.append(block, static_cast<size_t>(got));
      for (size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1))
        if (auto event = parse_json(std::string_view(buffer).substr(0, end)); event.ok())
          events_->push(Json::object({{"filesystem", *std::move(event)}}));
    }
    events_->close(Subscriber::Closed::kSandboxGone);
  }

 private:
  FileDescriptor lines_;
  std::shared_ptr<Subscriber> events_;
};

Reply begin_watch(Call& call, const Json& message) {
  return call.sandbox->sandbox->call(
      Json::object({{"op", "watch"},
                    {"path", message["path"]},
                    {"user", user_of(call)},
                    {"recursive", message["recursive"].as_bool()},
                    {"include_entry", field(message, "includeEntry", "include_entry").as_bool()}}));
}

void watch_dir(Call& call) {
  const auto message = read_stream_request(call.exchange);
  if (!message) return;
  Reply reply = begin_watch(call, *message);
  if (reply.error && reply.error->code == "unavailable") return call.exchange.abort();
  if (reply.error) return fail_connect_stream(call.exchange, reply.error->code, reply.error->message);
  auto events = std::make_shared<Subscriber>();
  events->push(Json::object({{"start", Json::object()}}));
  call.sandbox->sandbox->attach(events);
  std::thread pump(
      [lines = std::move(reply.fds.front()), events]() mutable { WatchPump(std::move(lines), events).run(); });
  stream_events(call.exchange, *events, keepalive_event_of_watch(), end_of(timeout_header(call.request())));
  events->leave();
  call.sandbox->sandbox->detach(events);
  pump.join();
}

void create_watcher(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  Reply reply = begin_watch(call, *message);
  if (reply.error) return respond_connect_error(call.exchange, reply.error->code, reply.error->message);
  auto watcher = std::make_shared<Server::Watcher>();
  watcher->sandbox_id = call.sandbox->id;
  watcher->events = std::make_shared<Subscriber>();
  call.sandbox->sandbox->attach(watcher->events);
  const std::string id = "w" + new_template_id();
  {
    std::lock_guard lock(call.server.watchers_mutex());
    call.server.watchers()[id] = watcher;
  }
  call.server.run_in_background([lines = std::make_shared<FileDescriptor>(std::move(reply.fds.front())),
                                 events = watcher->events] { WatchPump(std::move(*lines), events).run(); });
  call.exchange.respond_json(200, Json::object({{"watcherId", id}}));
}

std::shared_ptr<Server::Watcher> find_watcher(Call& call, const Json& message, bool take) {
  const std::string id = field(message, "watcherId", "watcher_id").as_string();
  std::lock_guard lock(call.server.watchers_mutex());
  auto& watchers = call.server.watchers();
  const auto found = watchers.find(id);
  if (found == watchers.end() || found->second->sandbox_id != call.sandbox->id) {
    respond_connect_error(call.exchange, "not_found", "watcher with id " + id + " not found");
    return nullptr;
  }
  auto watcher = found->second;
  if (take) watchers.erase(found);
  return watcher;
}

void get_watcher_events(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const auto watcher = find_watcher(call, *message, false);
  if (!watcher) return;
  Json events = Json::array();
  while (auto event = watcher->events->take()) events.push_back(event->body["filesystem"]);
  call.exchange.respond_json(200, events.size() > 0 ? Json::object({{"events", std::move(events)}}) : Json::object());
}

void remove_watcher(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const auto watcher = find_watcher(call, *message, true);
  if (!watcher) return;
  watcher->events->leave();
  call.sandbox->sandbox->detach(watcher->events);
  call.exchange.respond_json(200, Json::object());
}

}  // namespace

std::vector<Route> filesystem_routes() {
  return {{"POST", "/filesystem.Filesystem/Stat", stat},
          {"POST", "/filesystem.Filesystem/ListDir", list_dir},
          {"POST", "/filesystem.Filesystem/MakeDir", make_dir},
          {"POST", "/filesystem.Filesystem/Move", move},
          {"POST", "/filesystem.Filesystem/Remove", remove},
          {"POST", "/filesystem.Filesystem/WatchDir", watch_dir},
          {"POST", "/filesystem.Filesystem/CreateWatcher", create_watcher},
          {"POST", "/filesystem.Filesystem/GetWatcherEvents", get_watcher_events},
          {"POST", "/filesystem.Filesystem/RemoveWatcher", remove_watcher}};
}

}  // namespace osiris::e2b_server
