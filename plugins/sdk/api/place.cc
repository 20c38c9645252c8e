#include "plugins/sdk/api/place.h"

#include <atomic>
#include <functional>
#include <optional>
#include <utility>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/api/byte_stream.h"
#include "plugins/sdk/api/convert.h"
#include "protocol/base/json.h"

namespace osiris::adapter_sdk {
namespace {

// An adapter's stream of a process; or what it threw in place of one, which is then the answer to every next().
class AdapterStream : public sdk::ProcessStream {
 public:
  explicit AdapterStream(Result<std::unique_ptr<adapter_sdk::ProcessStream>> inner) : inner_(std::move(inner)) {}

  Result<sdk::ProcessEvent> next(sdk::Milliseconds wait) override {
    if (!inner_) return inner_.error();
    OSIRIS_ASSIGN(std::optional<adapter_sdk::ProcessEvent> event, value_of([&] { return (*inner_)->next(wait); }));
    if (!event) return Error(Code::kDeadline, "nothing came");
    return sdk::ProcessEvent{static_cast<sdk::ProcessEvent::Kind>(event->kind), event->pid, std::move(event->bytes),
                             to_exit(event->exit)};
  }
  void cancel() override {
    if (inner_) (*inner_)->cancel();
  }

 private:
  Result<std::unique_ptr<adapter_sdk::ProcessStream>> inner_;
};

class AdapterAccess : public sdk::MachineAccess {
 public:
  explicit AdapterAccess(std::unique_ptr<adapter_sdk::MachineAccess> access) : access_(std::move(access)) {}

  Result<uint64_t> upload(std::vector<sdk::UploadPart> parts, const std::atomic<bool>& cancelled,
                          std::function<void()> opened) override {
    std::vector<adapter_sdk::UploadPart> own;
    for (sdk::UploadPart& part : parts)
      own.push_back({std::move(part.path), [write = std::move(part.write)](const FileChannel::Sink& sink) {
                       sdk::check_or_throw(write(sink));
                     }});
    return value_of([&] { return access_->upload(std::move(own), cancelled, opened); });
  }
  std::unique_ptr<sdk::ByteStream> download(const std::string& path, uint64_t offset, std::string operation) override {
    return byte_stream([this, path, offset, operation] { return access_->download(path, offset, operation); });
  }

  std::unique_ptr<sdk::ProcessStream> start(const sdk::StartSpec& spec) override {
    return std::make_unique<AdapterStream>(
        value_of([&] { return access_->start({spec.command, spec.arguments, spec.environment}); }));
  }
  std::unique_ptr<sdk::ProcessStream> connect(int64_t pid) override {
    return std::make_unique<AdapterStream>(value_of([&] { return access_->connect(pid); }));
  }
  Status send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) override {
    return status_of([&] { access_->send_input(pid, bytes, cancelled); });
  }
  Status kill(int64_t pid) override {
    return status_of([&] { access_->kill(pid); });
  }
  Result<std::vector<int64_t>> list() override {
    return value_of([&] { return access_->list(); });
  }
  Result<bool> is_alive() override {
    return value_of([&] { return access_->is_alive(); });
  }
  bool is_unknown_process(const Error& error) const override {
    return access_->is_unknown_process(sdk::to_failure(error));
  }
  bool is_input_closed(const Error& error) const override { return access_->is_input_closed(sdk::to_failure(error)); }

 private:
  const std::unique_ptr<adapter_sdk::MachineAccess> access_;
};

}  // namespace

Result<Machine> AdapterPlace::create(const MachineSpec& wanted, const CallLimits& limits) {
  return value_of([&] { return place_.create(wanted, limits); });
}

CreateFailure AdapterPlace::classify_create_failure(const Error& create_error) const {
  return place_.classify_create_failure(sdk::to_failure(create_error));
}

bool AdapterPlace::is_template_failure(const Error& create_error) const {
  return place_.is_template_failure(sdk::to_failure(create_error));
}

Result<std::vector<Machine>> AdapterPlace::find(const Metadata& metadata) {
  return value_of([&] { return place_.find(metadata); });
}

Result<Machine> AdapterPlace::take_over(const std::string& id, int64_t lease_s) {
  return value_of([&] { return place_.take_over(id, lease_s); });
}

Result<Machine> AdapterPlace::look(const std::string& id, const CallLimits& limits) {
  return value_of([&] { return place_.look(id, limits); });
}

Status AdapterPlace::renew(const std::string& id, int64_t lease_s, const CallLimits& limits) {
  return status_of([&] { place_.renew(id, lease_s, limits); });
}

bool AdapterPlace::is_end_of_life(const Error& renew_error) const {
  return place_.is_end_of_life(sdk::to_failure(renew_error));
}

Status AdapterPlace::kill(const std::string& id, const CallLimits& limits) {
  return status_of([&] { place_.kill(id, limits); });
}

bool AdapterPlace::is_refusal(const Error& error) const { return place_.is_refusal(sdk::to_failure(error)); }

Result<bool> AdapterPlace::is_gone(const std::string& id, const CallLimits& limits) {
  return value_of([&] { return place_.is_gone(id, limits); });
}

Result<std::vector<Result<Machine>>> AdapterPlace::clone(const Machine& parent, size_t count, int64_t lease_s,
                                                         const CallLimits& limits) {
  if (!clones_) return Place::clone(parent, count, lease_s, limits);
  OSIRIS_ASSIGN(auto made, value_of([&] { return clones_->clone(parent.id, count, lease_s, limits); }));
  std::vector<Result<Machine>> outcomes;
  for (auto& each : made) {
    if (auto* machine = std::get_if<Machine>(&each))
      outcomes.emplace_back(std::move(*machine));
    else
      outcomes.emplace_back(to_error(std::get<plugin::Failure>(each)));
  }
  return outcomes;
}

bool AdapterPlace::is_clone_unsupported(const Error& clone_error) const {
  return !clones_ || clones_->is_clone_unsupported(sdk::to_failure(clone_error));
}

Result<Verdict> AdapterPlace::verify(const std::string& id, const MachineSpec& wanted, const CallLimits& limits) {
  if (!clones_) return Verdict();
  return value_of([&] { return clones_->verify(id, wanted, limits); });
}

// A text that is no JSON is shown as it is.
Json AdapterPlace::shown_rules(const Egress& egress) const {
  const std::string shown = place_.shown_rules(egress);
  const auto rules = parse_json(shown);
  return rules ? *rules : shown.empty() ? Json() : Json(shown);
}

std::unique_ptr<sdk::MachineAccess> AdapterPlace::access(const Machine& machine, sdk::Milliseconds stall_limit) {
  return std::make_unique<AdapterAccess>(place_.access(machine, stall_limit));
}

void kill_and_verify(Place& place, const std::string& id, Milliseconds budget) {
  AdapterPlace own(place);
  sdk::check_or_throw(sdk::kill_and_verify(own, id, budget));
}

}  // namespace osiris::adapter_sdk
