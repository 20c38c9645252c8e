/* Preloaded into a database server: while there is a file at $OSIRIS_TEST_FULL_DISK, no file below
 * $OSIRIS_TEST_FULL_DISK_BELOW can grow, as on a disk that is full: ENOSPC. What is within a file can be written. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static int has_no_room(int fd, off_t end) {
  const char *file = getenv("OSIRIS_TEST_FULL_DISK"), *below = getenv("OSIRIS_TEST_FULL_DISK_BELOW");
  if (!file || !below || syscall(SYS_faccessat, AT_FDCWD, file, F_OK) != 0) return 0;
  struct stat about;
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || end <= about.st_size) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = '\0';
  return strncmp(path, below, strlen(below)) == 0;
}

static ssize_t no_room(void) {
  errno = ENOSPC;
  return -1;
}

static off_t bytes_of(const struct iovec* parts, int count) {
  off_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += (off_t)parts[i].iov_len;
  return bytes;
}

VISIBLE ssize_t write(int fd, const void* bytes, size_t size) {
  const off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && has_no_room(fd, at + (off_t)size)) return no_room();
  return syscall(SYS_write, fd, bytes, size);
}

VISIBLE ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return has_no_room(fd, at + (off_t)size) ? no_room() : syscall(SYS_pwrite64, fd, bytes, size, at);
}
VISIBLE ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t at) { return pwrite(fd, bytes, size, at); }

VISIBLE ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  return has_no_room(fd, at + bytes_of(parts, count)) ? no_room() : syscall(SYS_pwritev, fd, parts, count, at, 0);
}
VISIBLE ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t at) {
  return pwritev(fd, parts, count, at);
}

VISIBLE int posix_fallocate(int fd, off_t at, off_t size) {
  if (has_no_room(fd, at + size)) return ENOSPC;
  return syscall(SYS_fallocate, fd, 0, at, size) == 0 ? 0 : errno;
}
VISIBLE int posix_fallocate64(int fd, off_t at, off_t size) { return posix_fallocate(fd, at, size); }

VISIBLE int fallocate(int fd, int mode, off_t at, off_t size) {
  return has_no_room(fd, at + size) ? (int)no_room() : (int)syscall(SYS_fallocate, fd, mode, at, size);
}
VISIBLE int fallocate64(int fd, int mode, off_t at, off_t size) { return fallocate(fd, mode, at, size); }
