/* osiris/ext/early.h: the extension "osiris.early/1"
 *
 * What takes time before a run and depends on little of it, such as the start of a process on this
 * machine, may begin while the host still writes its session. Asked for by
 * osiris_adapter_type.extension(); the rules of osiris/adapter.h hold. It stands beside the 1.0
 * headers and changes none of them: a host that does not know it never asks for it.
 */
#ifndef OSIRIS_EXT_EARLY_H
#define OSIRIS_EXT_EARLY_H

#include "osiris/adapter.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OSIRIS_EARLY_V1 "osiris.early/1"

/* What is known of a run that will most likely come. */
typedef struct osiris_early_run {
  uint32_t size, driver_count;
  osiris_str worker_path, work_dir; /* as the request will have them */
  const osiris_str* drivers;        /* of the steps that will run, each once */
} osiris_early_run;

/* Static. */
typedef struct osiris_early {
  uint32_t size, reserved; /* reserved: 0 */

  /* [run] State: before create; any number of times, on the thread that will call execute. A hint:
   * there is no host to tell of failures, and no answer. Waits for nothing, reads no secret, writes
   * no file, and acquires nothing that outlives this process. An execute whose request has the same
   * worker_path and work_dir takes over what was begun, and names it in its events then; what is
   * not taken over ends with the next begin, or with the process. */
  void (*begin)(const osiris_adapter_type*, const osiris_early_run*) OSIRIS_NOEXCEPT;
} osiris_early;

#ifdef __cplusplus
}
#endif
#endif
