/* A module that ends before its list of adapters. */
#define MODULE_SIZE offsetof(osiris_module, adapters)
#include "base.h"
DEFECT_MODULE
