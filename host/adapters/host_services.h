// The osiris_host table of one instance: checks what an adapter hands over, converts it, passes it to AdapterEvents,
// and keeps what belongs to the call in progress (its failure, its document).
//
// Deliberate: the object is never freed. An adapter that breaks the rules and keeps a thread past destroy() then
// calls into a table that answers "cancelled" and does nothing, instead of into freed memory.
#pragma once

#include <osiris/adapter.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "host/adapters/adapter_events.h"

namespace osiris {

class HostServices {
 public:
  struct Failure {
    osiris_status code = OSIRIS_OK;
    std::string message, hint;
    Json detail;  // an object, or null
  };
  // What one [run] call left behind.
  struct CallRecord {
    std::optional<Failure> failure;
    std::optional<std::string> document;  // the bytes delivered
  };

  // `who` names the adapter in reports ("local 0.1.0"). Lives for ever.
  static HostServices& make(std::string who, AdapterEvents& events, std::set<std::string, std::less<>> secrets);

  const osiris_host* table() const { return &table_; }
  // Names of one request, beside the adapter's own.
  void allow_secrets(const std::vector<std::string>& names);

  // A [run] call begins; `document` is the name it may deliver, nullptr for none. False if another one is in progress.
  bool begin_call(const char* stage, const char* document);
  CallRecord end_call();
  // After destroy(): from now on every service does nothing. Waits for services in progress.
  void close();

  void misbehaving(const std::string& what);

 private:
  HostServices(std::string who, AdapterEvents& events, std::set<std::string, std::less<>> secrets);
  struct Table;  // the static functions

  // Runs act(events) unless closed; swallows what it throws (bad_alloc), because nothing may cross the line.
  template <class Act>
  void with_events(Act act);

  void fail(const osiris_error* error);
  void log(const osiris_log* line);
  void progress(const osiris_progress* progress);
  void emit_event(const osiris_event* event);
  void emit_metric(const osiris_metric* metric);
  osiris_status with_secret(osiris_str name, void (*use)(void*, osiris_str), void* user);
  osiris_status deliver(const char* name, osiris_str json);
  // The time, or 0 (the host stamps it) after reporting one that no clock has shown.
  int64_t time_of(int64_t unix_ns, const std::string& what);
  // The object, or an empty one after reporting text that is none.
  Json object_of(osiris_str json, const std::string& what);
  bool in_call();
  bool is_after_execute();

  osiris_host table_{};
  const std::string who_;
  // A thread that goes on calling must not keep close() from its lock: glibc prefers readers.
  std::atomic<bool> closed_{false};
  std::shared_mutex events_mutex_;  // shared while a service runs; exclusive to close
  AdapterEvents* events_;
  std::mutex call_mutex_;
  const char* stage_ = "create";  // of the call in progress or the last one
  const char* document_ = nullptr;
  bool in_call_ = false;
  CallRecord record_;
  std::set<std::string, std::less<>> secrets_;
  std::atomic<bool> late_reported_{false};
  std::atomic<uint64_t> misbehaviours_{0};
};

}  // namespace osiris
