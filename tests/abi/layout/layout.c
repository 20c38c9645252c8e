/* Every field of the 1.0 header at its place, as compile-time facts. Compiles as C and C++; a failing line names the
 * field that moved. Frozen with the ABI: a later minor adds lines, it changes none. */
#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#define ALIGNED(type) CHECK(alignof(type) == 8)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#define ALIGNED(type) CHECK(_Alignof(type) == 8)
#endif
#define FIELD(type, field, offset, bytes)   \
  CHECK(offsetof(type, field) == (offset)); \
  CHECK(sizeof(((type*)0)->field) == (bytes))

CHECK(sizeof(osiris_str) == 16);
ALIGNED(osiris_str);
FIELD(osiris_str, data, 0, 8);
FIELD(osiris_str, len, 8, 8);

CHECK(sizeof(osiris_setting) == 32);
ALIGNED(osiris_setting);
FIELD(osiris_setting, name, 0, 16);
FIELD(osiris_setting, value, 16, 16);

CHECK(sizeof(osiris_error) == 56);
ALIGNED(osiris_error);
FIELD(osiris_error, size, 0, 4);
FIELD(osiris_error, code, 4, 4);
FIELD(osiris_error, message, 8, 16);
FIELD(osiris_error, hint, 24, 16);
FIELD(osiris_error, detail_json, 40, 16);

CHECK(sizeof(osiris_log) == 80);
ALIGNED(osiris_log);
FIELD(osiris_log, size, 0, 4);
FIELD(osiris_log, level, 4, 4);
FIELD(osiris_log, time_unix_ns, 8, 8);
FIELD(osiris_log, message, 16, 16);
FIELD(osiris_log, step_id, 32, 16);
FIELD(osiris_log, source, 48, 16);
FIELD(osiris_log, fields_json, 64, 16);

CHECK(sizeof(osiris_progress) == 72);
ALIGNED(osiris_progress);
FIELD(osiris_progress, size, 0, 4);
FIELD(osiris_progress, reserved, 4, 4);
FIELD(osiris_progress, done, 8, 8);
FIELD(osiris_progress, total, 16, 8);
FIELD(osiris_progress, unit, 24, 16);
FIELD(osiris_progress, step_id, 40, 16);
FIELD(osiris_progress, note, 56, 16);

CHECK(sizeof(osiris_event) == 64);
ALIGNED(osiris_event);
FIELD(osiris_event, size, 0, 4);
FIELD(osiris_event, reserved, 4, 4);
FIELD(osiris_event, time_unix_ns, 8, 8);
FIELD(osiris_event, name, 16, 16);
FIELD(osiris_event, step_id, 32, 16);
FIELD(osiris_event, data_json, 48, 16);

CHECK(sizeof(osiris_metric) == 88);
ALIGNED(osiris_metric);
FIELD(osiris_metric, size, 0, 4);
FIELD(osiris_metric, kind, 4, 4);
FIELD(osiris_metric, time_unix_ns, 8, 8);
FIELD(osiris_metric, value, 16, 8);
FIELD(osiris_metric, name, 24, 16);
FIELD(osiris_metric, unit, 40, 16);
FIELD(osiris_metric, step_id, 56, 16);
FIELD(osiris_metric, tags_json, 72, 16);

CHECK(sizeof(osiris_option) == 160);
ALIGNED(osiris_option);
FIELD(osiris_option, size, 0, 4);
FIELD(osiris_option, type, 4, 4);
FIELD(osiris_option, flags, 8, 4);
FIELD(osiris_option, reserved, 12, 4);
FIELD(osiris_option, name, 16, 16);
FIELD(osiris_option, help, 32, 16);
FIELD(osiris_option, value_name, 48, 16);
FIELD(osiris_option, bare_unit, 64, 16);
FIELD(osiris_option, default_value, 80, 16);
FIELD(osiris_option, minimum, 96, 16);
FIELD(osiris_option, maximum, 112, 16);
FIELD(osiris_option, choices, 128, 8);
FIELD(osiris_option, choice_count, 136, 8);
FIELD(osiris_option, shared_env, 144, 16);

CHECK(sizeof(osiris_secret) == 40);
ALIGNED(osiris_secret);
FIELD(osiris_secret, size, 0, 4);
FIELD(osiris_secret, flags, 4, 4);
FIELD(osiris_secret, name, 8, 16);
FIELD(osiris_secret, help, 24, 16);

CHECK(sizeof(osiris_host) == 88);
ALIGNED(osiris_host);
FIELD(osiris_host, size, 0, 4);
FIELD(osiris_host, abi, 4, 4);
FIELD(osiris_host, context, 8, 8);
FIELD(osiris_host, fail, 16, 8);
FIELD(osiris_host, log, 24, 8);
FIELD(osiris_host, emit_event, 32, 8);
FIELD(osiris_host, emit_metric, 40, 8);
FIELD(osiris_host, progress, 48, 8);
FIELD(osiris_host, is_cancelled, 56, 8);
FIELD(osiris_host, with_secret, 64, 8);
FIELD(osiris_host, deliver, 72, 8);
FIELD(osiris_host, extension, 80, 8);

CHECK(sizeof(osiris_request) == 184);
ALIGNED(osiris_request);
FIELD(osiris_request, size, 0, 4);
FIELD(osiris_request, attempt, 4, 4);
FIELD(osiris_request, run_id, 8, 16);
FIELD(osiris_request, manifest_json, 24, 16);
FIELD(osiris_request, connections_json, 40, 16);
FIELD(osiris_request, prepared_json, 56, 16);
FIELD(osiris_request, compiled_dir, 72, 16);
FIELD(osiris_request, session_dir, 88, 16);
FIELD(osiris_request, work_dir, 104, 16);
FIELD(osiris_request, worker_path, 120, 16);
FIELD(osiris_request, worker_sha256, 136, 16);
FIELD(osiris_request, settings_json, 152, 16);
FIELD(osiris_request, deadline_unix_ns, 168, 8);
FIELD(osiris_request, grace_ns, 176, 8);

CHECK(sizeof(osiris_adapter_type) == 168);
ALIGNED(osiris_adapter_type);
FIELD(osiris_adapter_type, size, 0, 4);
FIELD(osiris_adapter_type, option_count, 4, 4);
FIELD(osiris_adapter_type, id, 8, 16);
FIELD(osiris_adapter_type, name, 24, 16);
FIELD(osiris_adapter_type, version, 40, 16);
FIELD(osiris_adapter_type, summary, 56, 16);
FIELD(osiris_adapter_type, options, 72, 8);
FIELD(osiris_adapter_type, secrets, 80, 8);
FIELD(osiris_adapter_type, secret_count, 88, 8);
FIELD(osiris_adapter_type, create, 96, 8);
FIELD(osiris_adapter_type, configure, 104, 8);
FIELD(osiris_adapter_type, validate, 112, 8);
FIELD(osiris_adapter_type, prepare, 120, 8);
FIELD(osiris_adapter_type, execute, 128, 8);
FIELD(osiris_adapter_type, collect, 136, 8);
FIELD(osiris_adapter_type, cancel, 144, 8);
FIELD(osiris_adapter_type, destroy, 152, 8);
FIELD(osiris_adapter_type, extension, 160, 8);

CHECK(sizeof(osiris_module) == 24);
ALIGNED(osiris_module);
FIELD(osiris_module, size, 0, 4);
FIELD(osiris_module, abi, 4, 4);
FIELD(osiris_module, min_host_abi, 8, 4);
FIELD(osiris_module, adapter_count, 12, 4);
FIELD(osiris_module, adapters, 16, 8);

CHECK(sizeof(osiris_host_info) == 40);
ALIGNED(osiris_host_info);
FIELD(osiris_host_info, size, 0, 4);
FIELD(osiris_host_info, abi, 4, 4);
FIELD(osiris_host_info, library_path, 8, 16);
FIELD(osiris_host_info, manifest_path, 24, 16);

CHECK(sizeof(osiris_resource_query) == 88);
ALIGNED(osiris_resource_query);
FIELD(osiris_resource_query, size, 0, 4);
FIELD(osiris_resource_query, reserved, 4, 4);
FIELD(osiris_resource_query, settings_json, 8, 16);
FIELD(osiris_resource_query, filter_json, 24, 16);
FIELD(osiris_resource_query, kind, 40, 16);
FIELD(osiris_resource_query, id, 56, 16);
FIELD(osiris_resource_query, deadline_unix_ns, 72, 8);
FIELD(osiris_resource_query, grace_ns, 80, 8);

CHECK(sizeof(osiris_resources) == 24);
ALIGNED(osiris_resources);
FIELD(osiris_resources, size, 0, 4);
FIELD(osiris_resources, reserved, 4, 4);
FIELD(osiris_resources, list, 8, 8);
FIELD(osiris_resources, release, 16, 8);

CHECK(sizeof(osiris_explain) == 16);
ALIGNED(osiris_explain);
FIELD(osiris_explain, size, 0, 4);
FIELD(osiris_explain, reserved, 4, 4);
FIELD(osiris_explain, explain, 8, 8);

CHECK(sizeof(osiris_needs_lp64) == 1);
CHECK(sizeof(osiris_status) == 4 && (osiris_status)-1 < 0);
CHECK(OSIRIS_ABI_VERSION == 65536 && OSIRIS_ABI(1, 0) == 65536 && OSIRIS_ABI(2, 3) == 131075);
CHECK(OSIRIS_OK == 0 && OSIRIS_RUN_FAILED == 1 && OSIRIS_CANCELLED == 2 && OSIRIS_DEADLINE == 3);
CHECK(OSIRIS_INVALID_ARGUMENT == 4 && OSIRIS_INVALID_STATE == 5 && OSIRIS_UNSUPPORTED == 6);
CHECK(OSIRIS_NOT_FOUND == 7 && OSIRIS_UNAUTHENTICATED == 8 && OSIRIS_UNAVAILABLE == 9);
CHECK(OSIRIS_EXHAUSTED == 10 && OSIRIS_INTERNAL == 11);
CHECK(OSIRIS_DEBUG == 10 && OSIRIS_INFO == 20 && OSIRIS_WARN == 30 && OSIRIS_ERROR == 40);
CHECK(OSIRIS_GAUGE == 0 && OSIRIS_COUNTER == 1);
CHECK(OSIRIS_TEXT == 0 && OSIRIS_INT == 1 && OSIRIS_FLOAT == 2 && OSIRIS_BOOL == 3 && OSIRIS_CHOICE == 4);
CHECK(OSIRIS_DURATION == 5 && OSIRIS_BYTES == 6 && OSIRIS_PATH == 7 && OSIRIS_PAIR == 8 && OSIRIS_ENV == 9);
CHECK(OSIRIS_JSON == 10);
CHECK(OSIRIS_REQUIRED == 1 && OSIRIS_REPEATED == 2 && OSIRIS_DEPRECATED == 4 && OSIRIS_HIDDEN == 8);
CHECK(OSIRIS_SENSITIVE == 16);

#if OSIRIS_ABI_VERSION != OSIRIS_ABI(1, 0)
#error the version macros must be usable in #if
#endif

/* OSIRIS_HAS compares with the announced size, not with the compiler's. */
int osiris_layout_has_probe(const osiris_module* module);
int osiris_layout_has_probe(const osiris_module* module) { return OSIRIS_HAS(module, adapters); }

static const osiris_str osiris_layout_text = OSIRIS_STR("text");

int main(void) {
  osiris_module module = {0, 0, 0, 0, 0};
  if (osiris_layout_text.len != 4 || osiris_layout_text.data[3] != 't') return 1;
  module.size = (uint32_t)offsetof(osiris_module, adapters);
  if (osiris_layout_has_probe(&module)) return 1;
  module.size = (uint32_t)sizeof module - 1;
  if (osiris_layout_has_probe(&module)) return 1;
  module.size = (uint32_t)sizeof module + 1;
  if (!osiris_layout_has_probe(&module)) return 1;
  module.size = (uint32_t)sizeof module;
  return osiris_layout_has_probe(&module) ? 0 : 1;
}
