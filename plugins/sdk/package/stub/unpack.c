/* The first program in a fresh sandbox: unpacks the worker and becomes it.
 *
 *     unpack PACKED TARGET [ARGUMENTS...]     exec TARGET with ARGUMENTS after it was unpacked from PACKED
 *
 * It travels uncompressed beside a worker that is 45 MB unpacked, so its own size matters: no C library, only zstd's
 * decoder, the system calls it needs and the four functions the decoder calls. PACKED is a zstd file whose frame says
 * its size and carries a checksum; it is mapped, decoded in one go into the mapped target, and renamed into place.
 *
 * Exit status 121 to 126: a system call failed or the data are damaged, with one line on stderr.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

enum {
  SYS_OPEN = 2,
  SYS_FSTAT = 5,
  SYS_MMAP = 9,
  SYS_MUNMAP = 11,
  SYS_WRITE = 1,
  SYS_CLOSE = 3,
  SYS_EXECVE = 59,
  SYS_EXIT = 60,
  SYS_FTRUNCATE = 77,
  SYS_RENAME = 82,
  SYS_FCHMOD = 91,
  SYS_ARCH_PRCTL = 158
};

static long call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

void* memcpy(void* to, const void* from, size_t n) {
  void* start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return start;
}

void* memset(void* to, int byte, size_t n) {
  void* start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
  return start;
}

void* memmove(void* to, const void* from, size_t n) {
  char* t = (char*)to;
  const char* f = (const char*)from;
  if (t <= f || t >= f + n) return memcpy(to, from, n);
  while (n--) t[n] = f[n];
  return to;
}

/* The decoder works in memory it is given; these are named by parts of the library that never run here. */
void* malloc(size_t n) {
  (void)n;
  return NULL;
}
void* calloc(size_t n, size_t m) {
  (void)n;
  (void)m;
  return NULL;
}
void free(void* p) { (void)p; }

__attribute__((noreturn)) static void die(int status, const char* what) {
  size_t n = 0;
  while (what[n]) ++n;
  call(SYS_WRITE, 2, (long)what, (long)n, 0, 0, 0);
  call(SYS_EXIT, status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

/* Debian's zstd is built with stack protection: its canary is read from thread-local storage, which is ours to provide.
 */
static char thread_area[64];
void __stack_chk_fail(void) { die(125, "unpack: the stack was overwritten\n"); }

static char workspace[1 << 18] __attribute__((aligned(16)));

__attribute__((noreturn, used)) static void run(long* stack) {
  const long count = stack[0];
  char** argv = (char**)(stack + 1);
  char** environment = argv + count + 1;
  static char temporary[4096];
  uint64_t info[18]; /* struct stat; st_size is its seventh word on x86-64 */
  size_t n = 0;
  call(SYS_ARCH_PRCTL, 0x1002 /* set FS */, (long)thread_area, 0, 0, 0, 0);
  if (count < 3) die(121, "unpack: usage: unpack PACKED TARGET [ARGUMENTS...]\n");

  const long packed = call(SYS_OPEN, (long)argv[1], 0, 0, 0, 0, 0);
  if (packed < 0 || call(SYS_FSTAT, packed, (long)info, 0, 0, 0, 0) < 0)
    die(122, "unpack: cannot open the packed worker\n");
  const size_t packed_size = (size_t)info[6];
  const char* in = (const char*)call(SYS_MMAP, 0, (long)packed_size, 1 /* read */, 2 /* private */, packed, 0);
  if ((long)in < 0 && (long)in > -4096) die(122, "unpack: cannot map the packed worker\n");

  /* A skippable frame in front names the worker's hash for its sender; the size is in the frame after it. */
  size_t skipped = 0;
  if (packed_size > 8 && (*(const uint32_t*)in & 0xFFFFFFF0u) == 0x184D2A50u)
    skipped = 8 + (size_t)*(const uint32_t*)(in + 4);
  if (skipped >= packed_size) die(123, "unpack: the packed worker is damaged\n");
  const unsigned long long size = ZSTD_getFrameContentSize(in + skipped, packed_size - skipped);
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > (1ull << 31))
    die(123, "unpack: the packed worker is damaged\n");

  for (; argv[2][n] && n < sizeof temporary - 8; ++n) temporary[n] = argv[2][n];
  memcpy(temporary + n, ".new", 5);
  const long out_fd = call(SYS_OPEN, (long)temporary, 01002 | 0100 /* read, write, create, truncate */, 0700, 0, 0, 0);
  if (out_fd < 0 || call(SYS_FTRUNCATE, out_fd, (long)size, 0, 0, 0, 0) < 0)
    die(124, "unpack: cannot create the worker; is the disk full?\n");
  char* out = (char*)call(SYS_MMAP, 0, (long)size, 3 /* read, write */, 1 /* shared */, out_fd, 0);
  if ((long)out < 0 && (long)out > -4096) die(124, "unpack: cannot map the worker\n");

  ZSTD_DCtx* context = ZSTD_initStaticDCtx(workspace, sizeof workspace);
  if (!context) die(125, "unpack: the decoder needs more memory\n");
  const size_t decoded = ZSTD_decompressDCtx(context, out, (size_t)size, in + skipped, packed_size - skipped);
  if (ZSTD_isError(decoded) || decoded != size) die(123, "unpack: the packed worker is damaged\n");

  call(SYS_MUNMAP, (long)out, (long)size, 0, 0, 0, 0);
  call(SYS_FCHMOD, out_fd, 0755, 0, 0, 0, 0);
  call(SYS_CLOSE, out_fd, 0, 0, 0, 0, 0);
  if (call(SYS_RENAME, (long)temporary, (long)argv[2], 0, 0, 0, 0) < 0)
    die(124, "unpack: cannot put the worker in its place\n");
  call(SYS_EXECVE, (long)argv[2], (long)(argv + 2), (long)environment, 0, 0, 0);
  die(126, "unpack: cannot execute the worker\n");
}

__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall run\n\thlt\n");
