// osiris/host.hpp: the host's services for adapters in C++17, and how a call fails. Like <osiris/adapter.hpp>, which
// includes it, NOT part of the ABI.
#pragma once

#include <osiris/adapter.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace osiris::plugin {

constexpr osiris_str to_abi(std::string_view text) noexcept { return {text.data(), text.size()}; }
// Borrowed for as long as the argument it came with.
constexpr std::string_view to_view(osiris_str text) noexcept {
  return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

// Thrown to end a call. `code` is any OSIRIS_ status but OSIRIS_OK. Nothing in it may be a secret.
class Failure : public std::exception {
 public:
  Failure(osiris_status code, std::string message, std::string hint = {}, std::string detail_json = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)), detail_json_(std::move(detail_json)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  osiris_status code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::string& detail_json() const noexcept { return detail_json_; }

 private:
  osiris_status code_;
  std::string message_, hint_, detail_json_;
};

// The host's services. Copy it freely; valid until the adapter's destructor has returned. [any thread]
class Host {
 public:
  explicit Host(const osiris_host* host) noexcept : host_(host) {}

  void log(int32_t level, std::string_view message, std::string_view fields_json = {}, std::string_view step_id = {},
           std::string_view source = {}, int64_t time_unix_ns = 0) const noexcept {
    osiris_log line{};
    line.size = sizeof line;
    line.level = level;
    line.time_unix_ns = time_unix_ns;
    line.message = to_abi(message);
    line.step_id = to_abi(step_id);
    line.source = to_abi(source);
    line.fields_json = to_abi(fields_json);
    host_->log(host_, &line);
  }

  void event(std::string_view name, std::string_view data_json = {}, std::string_view step_id = {},
             int64_t time_unix_ns = 0) const noexcept {
    osiris_event event{};
    event.size = sizeof event;
    event.time_unix_ns = time_unix_ns;
    event.name = to_abi(name);
    event.step_id = to_abi(step_id);
    event.data_json = to_abi(data_json);
    host_->emit_event(host_, &event);
  }

  void metric(std::string_view name, double value, std::string_view unit = {}, std::string_view step_id = {},
              std::string_view tags_json = {}, int64_t time_unix_ns = 0, uint32_t kind = OSIRIS_GAUGE) const noexcept {
    osiris_metric metric{};
    metric.size = sizeof metric;
    metric.time_unix_ns = time_unix_ns;
    metric.kind = kind;
    metric.value = value;
    metric.name = to_abi(name);
    metric.unit = to_abi(unit);
    metric.step_id = to_abi(step_id);
    metric.tags_json = to_abi(tags_json);
    host_->emit_metric(host_, &metric);
  }

  // total < 0: not known. `unit` "rows" or "bytes" with a step: the display shows rate and what is left.
  void progress(double done, double total, std::string_view note = {}, std::string_view unit = {},
                std::string_view step_id = {}) const noexcept {
    osiris_progress progress{};
    progress.size = sizeof progress;
    progress.done = done;
    progress.total = total;
    progress.unit = to_abi(unit);
    progress.step_id = to_abi(step_id);
    progress.note = to_abi(note);
    host_->progress(host_, &progress);
  }

  bool is_cancelled() const noexcept { return host_->is_cancelled(host_) != 0; }

  // Calls use(std::string_view value) before it returns; the value is gone afterwards, so use it there. False if there
  // is no such secret. What `use` throws comes out of here.
  template <class Use>
  bool with_secret(std::string_view name, Use use) const {
    struct Call {
      Use& use;
      std::exception_ptr thrown;
    } call{use, nullptr};
    const auto trampoline = [](void* user, osiris_str value) noexcept {
      auto* self = static_cast<Call*>(user);
      try {
        self->use(to_view(value));
      } catch (...) {
        self->thrown = std::current_exception();
      }
    };
    const osiris_status status = host_->with_secret(host_, to_abi(name), trampoline, &call);
    if (call.thrown) std::rethrow_exception(call.thrown);
    if (status == OSIRIS_OK) return true;
    if (status == OSIRIS_NOT_FOUND) return false;
    throw Failure(status, "the host did not lend the secret " + std::string(name));
  }

  void deliver(const char* document, std::string_view json) const {
    const osiris_status status = host_->deliver(host_, document, to_abi(json));
    if (status != OSIRIS_OK)
      throw Failure(OSIRIS_INTERNAL, "the host did not take the document '" + std::string(document) + "'");
  }

  // A table of the host for "osiris.<name>/<rev>", or nullptr.
  const void* extension(const char* id) const noexcept { return host_->extension(host_, id); }

  const osiris_host* table() const noexcept { return host_; }

 private:
  const osiris_host* host_;
};

}  // namespace osiris::plugin
