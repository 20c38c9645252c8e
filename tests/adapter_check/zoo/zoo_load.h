/* What goes wrong while the library is loaded, and when the process ends. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_LOAD_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_LOAD_H

#include "zoo.h"

__attribute__((constructor)) static void zoo_constructor(void) {
  ZOO_PROCESS_SINS(ctor);
  if (IS(ctor_prints)) fprintf(stderr, "zoo: loaded\n");
  if (IS(ctor_works)) {
    const clock_t until = clock() + 3 * CLOCKS_PER_SEC / 10;
    while (clock() < until) {
    }
  }
  if (IS(ctor_waits)) zoo_wait_ms(2500);
  if (IS(ctor_forks)) zoo_start(NULL);
  if (IS(ctor_thread)) {
    pthread_t thread;
    pthread_create(&thread, NULL, zoo_sleeper, NULL);
    zoo_wait_ms(100); /* until it has its mask */
  }
  if (IS(ctor_connects)) {
    const int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number >= 0) close(number);
  }
  if (IS(ctor_writes)) zoo_write_file("zoo.tmp", "x");
  if (IS(ctor_spawns)) {
    int status;
    const pid_t pid = zoo_start("x");
    if (pid > 0) waitpid(pid, &status, 0);
  }
  if (IS(atexit_ends)) atexit(zoo_end_with_0);
}

__attribute__((destructor)) static void zoo_destructor(void) {
  if (IS(dtor_crashes)) abort();
}

static pthread_t zoo_first_thread;

/* What the entry does before it returns a table; 0: it returns none. */
static int zoo_entry(const osiris_host_info* info) {
  static int asked = 0;
  char directory[256];
  if (!asked++) zoo_first_thread = pthread_self();
  if (IS(entry_null)) return 0;
  if (IS(entry_crashes)) *(volatile int*)8 = 1;
  if (IS(entry_exits)) exit(0);
  if (IS(entry_wants_today) && (info->abi != OSIRIS_ABI(1, 0) || info->size != sizeof *info)) return 0;
  if (IS(entry_wants_main_thread) && !pthread_equal(zoo_first_thread, pthread_self())) return 0;
  if (IS(entry_wants_directory) && getcwd(directory, sizeof directory) && !strcmp(directory, "/")) return 0;
  if (IS(entry_wants_terminator)) {
    volatile size_t length = strlen(info->library_path.data);
    (void)length;
  }
  return 1;
}

#endif
