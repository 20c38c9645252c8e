/* Exports a second symbol, which another library in the process may interpose. Loads; the symbol test notices. */
#include "base.h"
OSIRIS_EXPORT int osiris_tests_second_symbol(void);
int osiris_tests_second_symbol(void) { return 0; }
DEFECT_MODULE
