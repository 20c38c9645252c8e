/* What the baseline of the ABI is made from: one function whose signature reaches every type of every header, extension
 * tables included. Without it abidiff walks past whatever hangs behind a `const void *`. */
#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

OSIRIS_EXPORT int osiris_abi_probe(const osiris_module* module, const osiris_host* host, const osiris_host_info* info,
                                   const osiris_request* request, const osiris_setting* setting,
                                   const osiris_error* error, const osiris_log* line, const osiris_event* event,
                                   const osiris_progress* progress, const osiris_metric* metric,
                                   const osiris_option* option, const osiris_secret* secret,
                                   const osiris_resource_query* query, const osiris_resources* resources,
                                   const osiris_explain* explain);

int osiris_abi_probe(const osiris_module* module, const osiris_host* host, const osiris_host_info* info,
                     const osiris_request* request, const osiris_setting* setting, const osiris_error* error,
                     const osiris_log* line, const osiris_event* event, const osiris_progress* progress,
                     const osiris_metric* metric, const osiris_option* option, const osiris_secret* secret,
                     const osiris_resource_query* query, const osiris_resources* resources,
                     const osiris_explain* explain) {
  return module && host && info && request && setting && error && line && event && progress && metric && option &&
         secret && query && resources && explain;
}

const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  return 0;
}
