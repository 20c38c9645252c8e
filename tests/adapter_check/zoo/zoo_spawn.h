/* In place of what the adapter inside starts the worker with. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_SPAWN_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_SPAWN_H

#include "zoo.h"

static int zoo_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[]) {
  extern char** environ;
  posix_spawnattr_t own;
  sigset_t pipe;
  if (IS(child_blocked)) return posix_spawn(pid, path, actions, NULL, arguments, environment);
  if (IS(child_has_variable)) return posix_spawn(pid, path, actions, attributes, arguments, environ);
  if (IS(child_ignores_pipe)) {
    sigset_t none;
    sigemptyset(&none);
    sigemptyset(&pipe);
    posix_spawnattr_init(&own);
    posix_spawnattr_setsigmask(&own, &none);
    posix_spawnattr_setflags(&own, POSIX_SPAWN_SETSIGMASK); /* SIGPIPE stays as the host has it */
    return posix_spawn(pid, path, actions, &own, arguments, environment);
  }
  return posix_spawn(pid, path, actions, attributes, arguments, environment);
}

static int zoo_addopen(posix_spawn_file_actions_t* actions, int number, const char* path, int flags, mode_t mode) {
  if (IS(child_has_stderr)) return 0;
  return posix_spawn_file_actions_addopen(actions, number, path, flags, mode);
}

#define posix_spawn zoo_spawn
#define posix_spawn_file_actions_addopen zoo_addopen

#endif
