/* What all parts of the zoo share. ZOO_DEFECT is the name of a row of zoo.def, or `none`; IS(name) asks for it. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_H

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <osiris/adapter.h>
#include <osiris/ext/resources.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  D_none,
#define ROW(name, case_id, what) D_##name,
#include "zoo.def"
#undef ROW
};
#define ZOO_JOIN_(a, b) a##b
#define ZOO_JOIN(a, b) ZOO_JOIN_(a, b)
static const int zoo_defect = ZOO_JOIN(D_, ZOO_DEFECT);
#define IS(name) (zoo_defect == D_##name)

static inline void zoo_wait_ms(int ms) { poll(NULL, 0, ms); }

static inline int64_t zoo_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int zoo_ends_at_nothing(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

/* A program that goes on for half a minute; its pid. */
static inline pid_t zoo_start(const char* argument) {
  pid_t pid = fork();
  if (pid == 0) {
    if (argument) execl("/bin/sh", "sh", "-c", "sleep 1", argument, (char*)NULL);
    setsid();
    execl("/bin/sleep", "sleep", "30", (char*)NULL);
    _exit(1);
  }
  return pid;
}

static inline void zoo_write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  if (!file) return;
  fputs(text, file);
  fclose(file);
}

static void zoo_handler(int number) { (void)number; }
static inline void zoo_end_with_0(void) { _exit(0); }
static inline void* zoo_sleeper(void* unused) {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
  zoo_wait_ms(30000);
  return unused;
}

/* Sins against the process, by their names in a run and in a constructor. */
#define ZOO_PROCESS_SINS(in)                                    \
  do {                                                          \
    if (IS(in##_handles)) signal(SIGUSR1, zoo_handler);         \
    if (IS(in##_unblocks)) {                                    \
      sigset_t set;                                             \
      sigemptyset(&set);                                        \
      sigaddset(&set, SIGINT);                                  \
      sigaddset(&set, SIGTERM);                                 \
      pthread_sigmask(SIG_UNBLOCK, &set, NULL);                 \
    }                                                           \
    if (IS(in##_goes) && chdir("/usr")) abort();                \
    if (IS(in##_sets_variable)) setenv("ZOO_VARIABLE", "1", 1); \
    if (IS(in##_sets_locale)) setlocale(LC_ALL, "C.UTF-8");     \
    if (IS(in##_sets_umask)) umask(0);                          \
    if (IS(in##_sets_limit)) {                                  \
      struct rlimit limit = {512, 1024};                        \
      setrlimit(RLIMIT_NOFILE, &limit);                         \
    }                                                           \
    if (IS(in##_takes_stream)) dup2(zoo_ends_at_nothing(), 2);  \
    if (IS(in##_opens)) zoo_ends_at_nothing();                  \
    if (IS(in##_sets_timer)) {                                  \
      struct itimerval timer = {{0, 0}, {1000, 0}};             \
      setitimer(ITIMER_REAL, &timer, NULL);                     \
    }                                                           \
  } while (0)

#endif
