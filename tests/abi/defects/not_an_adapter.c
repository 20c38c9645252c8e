/* A shared library that is something else. */
int osiris_tests_nothing(void);
__attribute__((visibility("default"))) int osiris_tests_nothing(void) { return 0; }
