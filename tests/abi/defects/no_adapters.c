/* A module without adapters. */
#define ADAPTERS {NULL}
#define ADAPTER_COUNT 0
#include "base.h"
DEFECT_MODULE
const osiris_adapter_type* osiris_tests_unused(void);
const osiris_adapter_type* osiris_tests_unused(void) { return &the_type; }
