/* A name in Latin-1. */
#define NAME OSIRIS_STR("caf\xe9")
#include "base.h"
DEFECT_MODULE
