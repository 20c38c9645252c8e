/* Creates nothing and calls it OK. */
#include "base.h"
static osiris_status the_sin(const osiris_adapter_type* type, const osiris_host* host, osiris_adapter** out) {
  (void)type;
  (void)host;
  (void)out;
  return OSIRIS_OK;
}
#undef CREATE
#define CREATE the_sin
DEFECT_MODULE
osiris_status (*const osiris_tests_unused)(const osiris_adapter_type*, const osiris_host*,
                                           osiris_adapter**) = good_create;
