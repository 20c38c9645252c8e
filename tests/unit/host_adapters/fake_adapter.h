// Adapter tables made in memory, good until a test spoils one field, and the events they cause written down.
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "host/adapters/abi_text.h"
#include "host/adapters/adapter_events.h"

namespace osiris::fakes {

// What the instance under test does in each slot; reset by GoodTables' constructor.
struct Behaviour {
  std::function<osiris_status(const osiris_host*)> configure, validate, prepare, execute, collect;
  std::vector<std::pair<std::string, std::string>> settings;  // what configure received
  std::vector<osiris_request> requests;                       // the structs, whose strings are gone
  const osiris_adapter_type* created_by = nullptr;            // what create was given
  int creates = 0, cancels = 0, destroys = 0;
};
Behaviour& behaviour();

// A module with one adapter "fake" and one option "patience"; every struct may be changed before use.
struct GoodTables {
  GoodTables();
  GoodTables(const GoodTables&) = delete;
  GoodTables& operator=(const GoodTables&) = delete;

  osiris_option option{};
  const osiris_option* options[1];
  osiris_secret secret{};
  const osiris_secret* secrets[1];
  osiris_adapter_type type{};
  const osiris_adapter_type* types[1];
  osiris_module module{};
};

osiris_status deliver(const osiris_host* host, const char* name, const std::string& json);
osiris_status fail(const osiris_host* host, osiris_status code, const std::string& message,
                   const std::string& detail = {});

// [any thread]
class EventLog : public AdapterEvents {
 public:
  void on_event(const Event& event) override { add("event " + event.name); }
  void on_metric(const Metric& metric) override { add("metric " + metric.name); }
  void on_log(const Log& log) override {
    add("log " + log.message);
    logged = log;
  }
  void on_progress(const Progress& progress) override {
    add("progress " + progress.note);
    told = progress;
  }
  bool is_cancelled() const override { return cancelled; }
  Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) override {
    const auto it = secrets.find(name);
    if (it == secrets.end()) return Error(Code::kNotFound, "no secret");
    use(it->second);
    return {};
  }
  void on_misbehaviour(std::string_view what) override { add(std::string(what)); }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::atomic<bool> cancelled{false};
  Log logged;     // the last line
  Progress told;  // the last one
  std::map<std::string, std::string, std::less<>> secrets;

 private:
  void add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace osiris::fakes
