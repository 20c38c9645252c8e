/* The help of its option, and its own summary, hold escape sequences for a terminal. */
#define OPTION_HELP "\033]0;owned\007\033[31mone option"
#include "options.h"

#define SUMMARY OSIRIS_STR("\033[31mone sin")
#include "base.h"
DEFECT_MODULE
