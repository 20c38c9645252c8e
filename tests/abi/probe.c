/* What the baseline of the ABI is made from: one function whose signature reaches every type of every header, extension
 * tables included. Without it abidiff walks past whatever hangs behind a `const void *`. */
#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

OSIRIS_EXPORT int osiris_abi_probe(const osiris_module* module, const osiris_host* host, const osiris_request* request,
                                   const osiris_setting* setting, const osiris_error* error, const osiris_event* event,
                                   const osiris_metric* metric, const osiris_option* option,
                                   const osiris_resources* resources, const osiris_explain* explain);

int osiris_abi_probe(const osiris_module* module, const osiris_host* host, const osiris_request* request,
                     const osiris_setting* setting, const osiris_error* error, const osiris_event* event,
                     const osiris_metric* metric, const osiris_option* option, const osiris_resources* resources,
                     const osiris_explain* explain) {
  return module && host && request && setting && error && event && metric && option && resources && explain;
}

const osiris_module* osiris_adapter_main_v1(uint32_t host_abi) {
  (void)host_abi;
  return 0;
}
