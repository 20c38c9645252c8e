/* A mandatory slot is missing. */
#define COLLECT NULL
#include "base.h"
DEFECT_MODULE
osiris_status (*const osiris_tests_unused)(osiris_adapter*, const osiris_request*) = good_collect;
