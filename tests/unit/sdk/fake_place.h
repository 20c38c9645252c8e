// A service in memory: machines that a test sees, and answers that it makes go wrong.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/place/place.h"

namespace osiris::sdk {

// As the service's client makes it.
inline Error fake_error(Code code, FailureClass failure, std::string message, std::string hint = {}) {
  const std::string name(failure_class_name(failure));
  Error error(code, std::move(message), std::move(hint), "fake." + name);
  error.detail = Json::object({{"class", name}});
  return error;
}

class FakeService : public Service {
 public:
  std::string_view id() const override { return "fake"; }
  std::string_view noun() const override { return "box"; }
  std::string_view plural() const override { return "boxes"; }
  std::string_view daemon() const override { return "boxd"; }
  Error failure(FailureClass failure, std::string message, std::string hint, Json) const override {
    return fake_error(Code::kUnavailable, failure, std::move(message), std::move(hint));
  }
  bool may_pass(const Error& error) const override { return error.code == Code::kUnavailable; }
  Error after_attempts(Error error, int attempts) const override {
    error.message += "; tried " + std::to_string(attempts) + " times";
    return error;
  }
};

// What a call comes to besides its effect.
struct Fault {
  Error error;
  bool acts = false;  // the answer is lost, the effect is not
};

// [any thread]
class FakePlace : public Place {
 public:
  static Error lost() { return fake_error(Code::kUnavailable, FailureClass::kNetworkError, "no answer"); }
  static Error refused() { return fake_error(Code::kInvalidArgument, FailureClass::kAuthError, "no"); }

  // In order, of the calls of one name ("create", "kill", ...); without one a call does what it should.
  std::map<std::string, std::deque<Fault>> faults;
  bool honours_tokens = false;
  bool keeps_killed = false;           // kills say yes and do nothing
  bool finds_template_broken = false;  // in every error of a create
  std::map<std::string, Machine> machines;
  size_t most_clones = 3;            // of one call
  size_t room = 100;                 // for machines
  std::optional<int64_t> affords_s;  // of leases; all that is wanted
  std::vector<int64_t> leases_s;     // that were asked for
  // Makes what access() returns.
  std::function<std::unique_ptr<MachineAccess>(const Machine&)> on_access;
  std::vector<std::string> calls_made() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  size_t count(const std::string& call) const {
    size_t found = 0;
    for (const std::string& each : calls_made()) found += each == call;
    return found;
  }

  const Service& service() const override { return service_; }
  std::string home() const override { return "/home/box"; }
  Milliseconds request_timeout() const override { return Milliseconds(1'000); }
  uint64_t calls() const override { return calls_made().size(); }

  Result<Machine> create(const MachineSpec& wanted, const CallLimits&) override {
    return attempt<Machine>("create", [&] {
      for (const auto& [id, machine] : machines)
        if (honours_tokens && tokens_[id] == wanted.idempotency_token) return machine;
      Machine machine;
      machine.id = "box-" + std::to_string(++made_);
      machine.metadata = wanted.metadata;
      tokens_[machine.id] = wanted.idempotency_token;
      return machines[machine.id] = machine;
    });
  }
  CreateFailure classify_create_failure(const Error& error) const override {
    CreateFailure failure;
    failure.leaves_doubt = failure.is_late = error.code == Code::kUnavailable;
    return failure;
  }
  bool may_honour_tokens() const override { return honours_tokens; }
  bool is_template_failure(const Error&) const override { return finds_template_broken; }
  Result<std::vector<Machine>> find(const Metadata& metadata) override {
    return attempt<std::vector<Machine>>("find", [&] {
      std::vector<Machine> found;
      for (const auto& [id, machine] : machines) {
        bool fits = true;
        for (const auto& [key, value] : metadata)
          fits &= machine.metadata.count(key) > 0 && machine.metadata.at(key) == value;
        if (fits) found.push_back(machine);
      }
      return found;
    });
  }
  Result<Machine> take_over(const std::string& id, int64_t) override {
    return attempt<Machine>("take_over", [&] { return machines.at(id); });
  }
  Result<Machine> look(const std::string& id, const CallLimits&) override {
    return attempt<Machine>("look", [&] { return machines.at(id); });
  }
  int64_t affordable_lease_s(const std::string&, int64_t wanted_s) const override {
    return affords_s.value_or(wanted_s);
  }
  Status renew(const std::string&, int64_t lease_s, const CallLimits&) override {
    const auto done = attempt<bool>("renew", [&] {
      leases_s.push_back(lease_s);
      return true;
    });
    return done ? Status() : Status(done.error());
  }
  bool is_end_of_life(const Error&) const override { return false; }
  std::string_view short_life_hint() const override { return "be quicker"; }
  Status kill(const std::string& id, const CallLimits&) override {
    const auto done = attempt<bool>("kill", [&] { return keeps_killed || machines.erase(id) > 0; });
    return done ? Status() : Status(done.error());
  }
  bool is_refusal(const Error& error) const override { return error.code == Code::kInvalidArgument; }
  Result<bool> is_gone(const std::string& id, const CallLimits&) override {
    return attempt<bool>("is_gone", [&] { return machines.count(id) == 0; });
  }
  size_t clones_max() const override { return most_clones; }
  // As many as there is room for; the others are refused one by one.
  Result<std::vector<Result<Machine>>> clone(const Machine& parent, size_t count, int64_t, const CallLimits&) override {
    return attempt<std::vector<Result<Machine>>>("clone", [&] {
      std::vector<Result<Machine>> made;
      for (size_t i = 0; i < count; ++i) {
        if (machines.size() >= room) {
          made.emplace_back(Error(Code::kExhausted, "no room", "", "fake.QuotaExceeded"));
          continue;
        }
        Machine machine;
        machine.id = "box-" + std::to_string(++made_);
        machine.metadata = parent.metadata;
        made.emplace_back(machines[machine.id] = machine);
      }
      return made;
    });
  }
  Json shown_rules(const Egress&) const override { return {}; }
  std::unique_ptr<MachineAccess> access(const Machine& machine, Milliseconds) override { return on_access(machine); }

 private:
  template <class T, class Act>
  Result<T> attempt(const std::string& call, Act act) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    auto& planned = faults[call];
    if (planned.empty()) return T(act());
    const Fault fault = std::move(planned.front());
    planned.pop_front();
    if (fault.acts) act();
    return fault.error;
  }

  const FakeService service_;
  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  std::map<std::string, std::string> tokens_;
  int made_ = 0;
};

}  // namespace osiris::sdk
