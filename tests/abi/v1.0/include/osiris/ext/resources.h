/* osiris/ext/resources.h: the extension "osiris.resources/1"
 *
 * An adapter's remote resources (sandboxes, templates), listed and released outside any run. The
 * host shows it as `osiris resources list|release|reap --adapter NAME`; reaping is a list of
 * leftovers followed by one release each. Asked for by osiris_adapter_type.extension(); the rules
 * of osiris/adapter.h hold, results are delivered as JSON (docs/plugin-abi.md, "Resources").
 */
#ifndef OSIRIS_EXT_RESOURCES_H
#define OSIRIS_EXT_RESOURCES_H

#include "osiris/adapter.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OSIRIS_RESOURCES_V1 "osiris.resources/1"

/* What is asked for. Made by the host; lives until the call returns. */
typedef struct osiris_resource_query {
  uint32_t size, reserved;  /* reserved: 0 */
  osiris_str settings_json; /* as in osiris_request: owner_id, state_dir, cache_dir */
  osiris_str filter_json;   /* of list: an object, or absent */
  osiris_str kind, id;      /* of release: the one resource */
  int64_t deadline_unix_ns; /* 0: none */
  int64_t grace_ns;         /* as in osiris_request */
} osiris_resource_query;

/* Static. Both functions take an instance that was created and configured, and that is used for
 * no run. Failure is reported as everywhere: host->fail once, then the status. */
typedef struct osiris_resources {
  uint32_t size, reserved; /* reserved: 0 */

  /* [run] State: configured; any number of times. Delivers "resources". Changes nothing.
   * The keys of filter_json are all optional:
   *   "kind"            only resources of this kind ("sandbox", "template")
   *   "owner_id"        only those whose metadata at the service name this owner; absent: all the
   *                     account shows
   *   "dead_run_ids"    runs of "owner_id" that are known to have ended without giving back all they
   *                     held: a resource with one of them is a leftover, any other is not
   *   "live_run_ids"    runs whose process lives; a run in neither list may be of another machine
   *   "leftovers_only"  true: only leftovers */
  osiris_status (*list)(osiris_adapter*, const osiris_resource_query*) OSIRIS_NOEXCEPT;

  /* [run] State: configured; any number of times. Releases the resource `kind` `id` and verifies that it is
   * gone. Delivers "released". A resource that no longer exists is OSIRIS_OK. */
  osiris_status (*release)(osiris_adapter*, const osiris_resource_query*) OSIRIS_NOEXCEPT;
} osiris_resources;

#ifdef __cplusplus
}
#endif
#endif
