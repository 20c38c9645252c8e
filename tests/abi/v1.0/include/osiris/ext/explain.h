/* osiris/ext/explain.h: the extension "osiris.explain/1"
 *
 * What a run would touch beyond the plan (which service gets the key, what the remote machine
 * may reach), told before anything is asked for. The host shows it in `osiris run --dry-run` and in
 * `osiris connections doctor`, without knowing what it means. Asked for by
 * osiris_adapter_type.extension(); the rules of osiris/adapter.h hold.
 */
#ifndef OSIRIS_EXT_EXPLAIN_H
#define OSIRIS_EXT_EXPLAIN_H

#include "osiris/adapter.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OSIRIS_EXPLAIN_V1 "osiris.explain/1"

/* Static. */
typedef struct osiris_explain {
  uint32_t size, reserved; /* reserved: 0 */

  /* [run] State: validated, before execute; any number of times. Delivers "explanation"
   * (docs/plugin-abi.md), no secrets in it. May look host names up; asks the service for nothing
   * and changes nothing, on this machine or at the service. run_id and session_dir of the request may name no run,
   * worker_path may be absent. What would stop the run later is a warning in the document. */
  osiris_status (*explain)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT;
} osiris_explain;

#ifdef __cplusplus
}
#endif
#endif
