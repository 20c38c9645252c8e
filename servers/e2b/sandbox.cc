#include "servers/e2b/sandbox.h"

#include <signal.h>

#include "servers/e2b/layer.h"

namespace osiris::e2b_server {

Result<std::shared_ptr<Sandbox>> Sandbox::launch(const InitConfig& config, std::filesystem::path directory) {
  std::shared_ptr<Sandbox> sandbox(new Sandbox(std::move(directory)));
  OSIRIS_ASSIGN(sandbox->agent_,
                AgentClient::launch(config, [raw = sandbox.get()](int pid, int status) { raw->on_exit(pid, status); }));
  return sandbox;
}

Sandbox::~Sandbox() { destroy(); }

AgentResult<std::shared_ptr<Process>> Sandbox::start(const StartSpec& spec, const Json& default_envs) {
  Json envs = default_envs;
  for (const auto& [name, value] : spec.process.config["envs"].members()) envs.set(name, value);
  Json request = Json::object({{"op", "spawn"},
                               {"user", spec.user},
                               {"cmd", spec.process.config["cmd"]},
                               {"args", spec.process.config["args"]},
                               {"cwd", spec.process.config["cwd"].as_string()},
                               {"envs", std::move(envs)},
                               {"stdin", spec.process.has_stdin}});
  if (spec.process.is_pty) request.set("pty", spec.pty_size.is_object() ? spec.pty_size : Json::object());
  Reply reply = agent_->call(std::move(request));
  if (reply.error) return {nullptr, std::move(reply.error)};
  const size_t streams = spec.process.is_pty ? 1 : spec.process.has_stdin ? 3 : 2;
  if (reply.fds.size() != streams) return {nullptr, AgentError{"internal", "the sandbox handed over no streams"}};
  const int pid = static_cast<int>(reply.ok["pid"].as_int());
  auto process = std::make_shared<Process>(pid, spec.process, std::move(reply.fds), [this, pid] {
    agent_->call(Json::object({{"op", "signal"}, {"pid", pid}, {"signal", SIGKILL}}));
  });
  std::lock_guard lock(mutex_);
  forget_old();
  processes_[pid] = process;
  const auto early = early_exits_.find(pid);
  if (early != early_exits_.end()) {
    process->exited(early->second);
    early_exits_.erase(early);
  }
  if (gone_) process->sandbox_gone();
  return {process, std::nullopt};
}

void Sandbox::on_exit(int pid, int wait_status) {
  std::lock_guard lock(mutex_);
  const auto found = processes_.find(pid);
  if (found == processes_.end() || found->second->has_ended())
    early_exits_[pid] = wait_status;
  else
    found->second->exited(wait_status);
}

void Sandbox::forget_old() {
  std::erase_if(processes_, [](const auto& item) { return item.second->is_forgotten(); });
}

std::shared_ptr<Process> Sandbox::find(int pid) {
  std::lock_guard lock(mutex_);
  forget_old();
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second;
}

std::shared_ptr<Process> Sandbox::find_tag(const std::string& tag) {
  std::lock_guard lock(mutex_);
  for (const auto& [pid, process] : processes_) {
    if (process->config().tag.empty() || process->has_ended()) continue;
    return process->config().tag == tag ? process : nullptr;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Process>> Sandbox::running() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Process>> out;
  for (const auto& [pid, process] : processes_)
    if (!process->has_ended()) out.push_back(process);
  return out;
}

bool Sandbox::signal(int pid, int number) {
  const auto process = find(pid);
  if (!process || process->has_ended()) return false;
  process->signalled();
  return !agent_->call(Json::object({{"op", "signal"}, {"pid", pid}, {"signal", number}})).error;
}

void Sandbox::stop_processes() { agent_->call(Json::object({{"op", "freeze"}})); }

void Sandbox::freeze() {
  stop_processes();
  std::lock_guard lock(mutex_);
  for (const auto& [pid, process] : processes_) process->cut_streams();
  for (const auto& stream : streams_) stream->close(Subscriber::Closed::kSandboxGone);
}

void Sandbox::thaw() { agent_->call(Json::object({{"op", "thaw"}})); }

void Sandbox::destroy() { shut_down(true); }
void Sandbox::stop_keeping_files() { shut_down(false); }

void Sandbox::shut_down(bool remove_files) {
  std::lock_guard once(destroy_mutex_);
  if (destroyed_) return;
  destroyed_ = true;
  std::vector<std::shared_ptr<Process>> processes;
  {
    std::lock_guard lock(mutex_);
    gone_ = true;
    for (const auto& [pid, process] : processes_) processes.push_back(process);
    for (const auto& stream : streams_) stream->close(Subscriber::Closed::kSandboxGone);
  }
  for (const auto& process : processes) process->sandbox_gone();
  if (agent_) agent_->kill();
  // What cannot be removed is seen by the tests that look for leftovers.
  if (remove_files) [[maybe_unused]]
    const Status removed = remove_layer(directory_);
}

bool Sandbox::is_gone() const {
  std::lock_guard lock(mutex_);
  return gone_;
}

void Sandbox::attach(const std::shared_ptr<Subscriber>& stream) {
  std::lock_guard lock(mutex_);
  streams_.push_back(stream);
  if (gone_) stream->close(Subscriber::Closed::kSandboxGone);
}

void Sandbox::detach(const std::shared_ptr<Subscriber>& stream) {
  std::lock_guard lock(mutex_);
  std::erase(streams_, stream);
}

}  // namespace osiris::e2b_server
