#include "worker/executor/step_records.h"

#include <utility>

namespace osiris::worker {
namespace {

void emit(RecordSink& sink, Json data, Json fields) {
  if (fields.is_object()) {
    for (auto& [key, value] : fields.members()) {
      if (!data.contains(key)) data.set(key, std::move(value));
    }
  }
  rpc::Event event;
  event.data = std::move(data);
  sink.emit(std::move(event));
}

}  // namespace

void emit_event(RecordSink& sink, std::string_view name, std::string_view step_id, Json fields) {
  emit(sink, Json::object({{"event", name}, {"step_id", step_id}}), std::move(fields));
}

void emit_event(RecordSink& sink, std::string_view name, Json fields) {
  emit(sink, Json::object({{"event", name}}), std::move(fields));
}

void emit_metric(RecordSink& sink, std::string_view name, std::string_view step_id, Json value, std::string_view unit) {
  rpc::Metric metric;
  metric.data = Json::object({{"metric", name}, {"value", std::move(value)}});
  if (!unit.empty()) metric.data.set("unit", unit);
  metric.data.set("step_id", step_id);
  metric.data.set("tags", Json::object({{"step", step_id}}));
  sink.emit(std::move(metric));
}

void emit_metric(RecordSink& sink, std::string_view name, Json value) {
  rpc::Metric metric;
  metric.data = Json::object({{"metric", name}, {"value", std::move(value)}});
  sink.emit(std::move(metric));
}

}  // namespace osiris::worker
