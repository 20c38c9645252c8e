/* A table that ends before its mandatory slots. */
#define TYPE_SIZE offsetof(osiris_adapter_type, collect)
#include "base.h"
DEFECT_MODULE
