/* Preloaded into a program under test: the wall clock jumps, and no other, once there is a file with the number of
 * seconds in it at $OSIRIS_TEST_CLOCK_JUMP. Everything that asks for the time of day through the C library is deceived
 * alike. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static long jump_s(void) {
  static volatile long known = 0;
  const char* path = getenv("OSIRIS_TEST_CLOCK_JUMP");
  char text[32] = {0};
  if (known || !path) return known;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) > 0) known = atol(text);
  close(fd);
  return known;
}

VISIBLE int clock_gettime(clockid_t id, struct timespec* now) {
  if (syscall(SYS_clock_gettime, id, now) != 0) return -1;
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) now->tv_sec += jump_s();
  return 0;
}

VISIBLE int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec precise;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

VISIBLE time_t time(time_t* out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
