/* One option "x" whose fields can be replaced. */
#ifndef OPTION_SIZE
#define OPTION_SIZE sizeof(osiris_option)
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE OSIRIS_TEXT
#endif
#ifndef OPTION_FLAGS
#define OPTION_FLAGS 0
#endif
#ifndef OPTION_NAME
#define OPTION_NAME "patience"
#endif
#ifndef OPTION_HELP
#define OPTION_HELP "one option"
#endif
#ifndef OPTION_DEFAULT
#define OPTION_DEFAULT {NULL, 0}
#endif
#include <osiris/adapter.h>
static const osiris_option the_option = {OPTION_SIZE,
                                         OPTION_TYPE,
                                         OPTION_FLAGS,
                                         0,
                                         OSIRIS_STR(OPTION_NAME),
                                         OSIRIS_STR(OPTION_HELP),
                                         {NULL, 0},
                                         {NULL, 0},
                                         OPTION_DEFAULT,
                                         {NULL, 0},
                                         {NULL, 0},
                                         NULL,
                                         0,
                                         {NULL, 0}};
#ifndef OPTION_COUNT
#define OPTION_COUNT 1
static const osiris_option* const the_options[] = {&the_option};
#else
static const osiris_option* const the_options[] = {&the_option, &the_option};
#endif
#define OPTIONS the_options
