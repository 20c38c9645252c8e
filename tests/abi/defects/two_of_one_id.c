/* Two adapters of one id in one library. */
#define ADAPTERS {&the_type, &the_type}
#define ADAPTER_COUNT 2
#include "base.h"
DEFECT_MODULE
