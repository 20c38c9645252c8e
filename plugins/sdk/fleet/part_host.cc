#include "plugins/sdk/fleet/part_host.h"

#include <utility>

#include "protocol/base/clock.h"

namespace osiris::sdk {

PartHost::PartHost(const Host& host, std::function<void(PartEvent)> on_event, std::function<bool()> is_stopped,
                   std::function<bool(std::string_view, std::string_view)> is_of_run)
    : outer_(host.table()),
      on_event_(std::move(on_event)),
      is_stopped_(std::move(is_stopped)),
      is_of_run_(std::move(is_of_run)),
      part_(&table_) {
  table_.size = sizeof table_;
  table_.abi = outer_->abi;
  table_.context = this;
  table_.fail = [](const osiris_host*, const osiris_error*) noexcept {};
  table_.log = [](const osiris_host* table, const osiris_log* line) noexcept {
    self(table).outer_->log(self(table).outer_, line);
  };
  table_.emit_event = [](const osiris_host* table, const osiris_event* event) noexcept {
    PartEvent said{std::string(view(event->name)),
                   std::string(view(event->step_id)),
                   {},
                   event->time_unix_ns,
                   system_clock().monotonic_ns()};
    if (auto data = parse_json(view(event->data_json)); data.ok()) said.data = *std::move(data);
    self(table).on_event_(std::move(said));
  };
  table_.emit_metric = [](const osiris_host* table, const osiris_metric* metric) noexcept {
    if (self(table).is_of_run_(view(metric->step_id), view(metric->name)))
      self(table).outer_->emit_metric(self(table).outer_, metric);
  };
  table_.progress = [](const osiris_host* table, const osiris_progress* progress) noexcept {
    if (self(table).is_of_run_({}, {})) self(table).outer_->progress(self(table).outer_, progress);
  };
  table_.is_cancelled = [](const osiris_host* table) noexcept -> int32_t {
    return self(table).is_stopped_() ? 1 : self(table).outer_->is_cancelled(self(table).outer_);
  };
  table_.with_secret = [](const osiris_host* table, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                          void* user) noexcept {
    return self(table).outer_->with_secret(self(table).outer_, name, use, user);
  };
  table_.deliver = [](const osiris_host*, const char*, osiris_str) noexcept -> osiris_status {
    return OSIRIS_INVALID_STATE;
  };
  table_.extension = [](const osiris_host* table, const char* id) noexcept {
    return self(table).outer_->extension(self(table).outer_, id);
  };
}

}  // namespace osiris::sdk
