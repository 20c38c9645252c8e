/* The first program in a fresh sandbox: unpacks the worker and becomes it.
 *
 *     unpack [--as-it-comes] PACKED TARGET [ARGUMENTS...]
 *
 * executes TARGET with ARGUMENTS after it was unpacked from PACKED; as it comes: while that is being written, from its
 * first byte to its last.
 *
 * It travels uncompressed beside a worker that is 45 MB unpacked, so its own size matters: no C library, only zstd's
 * decoder, the system calls it needs and the four functions the decoder calls. PACKED is a zstd file whose frames say
 * their sizes and carry checksums; it is mapped, decoded into the mapped target, a process for each frame, and renamed
 * into place. Where the frames are, is told by the second of two skippable frames in front: what comes is not whole, so
 * they cannot be looked for.
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
  SYS_PREAD64 = 17,
  SYS_NANOSLEEP = 35,
  SYS_FORK = 57,
  SYS_EXECVE = 59,
  SYS_EXIT = 60,
  SYS_WAIT4 = 61,
  SYS_FTRUNCATE = 77,
  SYS_RENAME = 82,
  SYS_UNLINK = 87,
  SYS_FCHMOD = 91,
  SYS_ARCH_PRCTL = 158,
  SYS_FALLOCATE = 285
};
enum {
  NO_SPACE = -28,
  TEXT_BUSY = -26,
  OVER_QUOTA = -122,
  FRAMES_MAX = 16,
  SKIPPABLE_HEAD = 8,
  WAIT_NS = 1000000,
  BUSY_WAITS_MAX = 10000
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

struct frame {
  const char* in; /* NULL: it is mapped when it has come */
  size_t packed_at;
  size_t packed_size;
  size_t at; /* in the target */
  size_t size;
};
static struct frame frames[FRAMES_MAX];

/* Those of a packed file; the size of what they hold. A skippable frame in front names the worker's hash for its
 * sender. */
static size_t find_frames(const char* in, size_t left, int* count) {
  size_t total = 0;
  *count = 0;
  while (left > 0) {
    if (left > SKIPPABLE_HEAD && (*(const uint32_t*)in & 0xFFFFFFF0u) == 0x184D2A50u) {
      const size_t skipped = SKIPPABLE_HEAD + (size_t)*(const uint32_t*)(in + 4);
      if (skipped > left) return 0;
      in += skipped;
      left -= skipped;
      continue;
    }
    const unsigned long long size = ZSTD_getFrameContentSize(in, left);
    const size_t packed_size = ZSTD_findFrameCompressedSize(in, left);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || ZSTD_isError(packed_size) ||
        size + total > (1ull << 31) || *count == FRAMES_MAX)
      return 0;
    frames[*count] = (struct frame){in, 0, packed_size, total, (size_t)size};
    *count += 1;
    total += (size_t)size;
    in += packed_size;
    left -= packed_size;
  }
  return total;
}

static long packed; /* the descriptor */

static size_t packed_file_size(void) {
  uint64_t info[18]; /* struct stat; st_size is its seventh word on x86-64 */
  if (call(SYS_FSTAT, packed, (long)info, 0, 0, 0, 0) < 0) die(122, "unpack: cannot open the packed worker\n");
  return (size_t)info[6];
}

static const char* map_packed(size_t size) {
  const char* in = (const char*)call(SYS_MMAP, 0, (long)size, 1 /* read */, 2 /* private */, packed, 0);
  if ((long)in < 0 && (long)in > -4096) die(122, "unpack: cannot map the packed worker\n");
  return in;
}

static void wait_a_moment(void) {
  const long pause[2] = {0, WAIT_NS};
  call(SYS_NANOSLEEP, (long)pause, 0, 0, 0, 0, 0);
}

/* Who sends it ends this machine where it does not come. */
static void wait_until_there(size_t size) {
  while (packed_file_size() < size) wait_a_moment();
}

/* Reads a part of what has come. 0: it is no skippable frame of at most `room` bytes. */
static size_t read_skippable(size_t at, char* content, size_t room) {
  uint32_t head[2];
  wait_until_there(at + SKIPPABLE_HEAD);
  if (call(SYS_PREAD64, packed, (long)head, SKIPPABLE_HEAD, (long)at, 0, 0) != SKIPPABLE_HEAD ||
      (head[0] & 0xFFFFFFF0u) != 0x184D2A50u || head[1] > room)
    return 0;
  wait_until_there(at + SKIPPABLE_HEAD + head[1]);
  return call(SYS_PREAD64, packed, (long)content, head[1], (long)(at + SKIPPABLE_HEAD), 0, 0) == head[1] ? head[1] : 0;
}

/* As find_frames(), by the table: pairs of a frame's packed size and its size. */
static size_t read_table(int* count) {
  static uint64_t table[2 * FRAMES_MAX];
  size_t total = 0, at = 0, size = read_skippable(0, (char*)table, sizeof table);
  *count = 0;
  if (size == 0) return 0;
  at = SKIPPABLE_HEAD + size;
  size = read_skippable(at, (char*)table, sizeof table);
  at += SKIPPABLE_HEAD + size;
  if (size % 16 != 0) return 0;
  for (size_t i = 0; i < size / 16; ++i) {
    const uint64_t packed_size = table[2 * i], frame_size = table[2 * i + 1];
    if (packed_size > (1ull << 31) || frame_size > (1ull << 31) || total + frame_size > (1ull << 31)) return 0;
    frames[i] = (struct frame){NULL, at, packed_size, total, frame_size};
    *count += 1;
    total += frame_size;
    at += packed_size;
  }
  return total;
}

static int decode(const struct frame* frame, char* out) {
  const char* in = frame->in;
  if (!in) {
    wait_until_there(frame->packed_at + frame->packed_size);
    in = map_packed(frame->packed_at + frame->packed_size) + frame->packed_at;
  }
  ZSTD_DCtx* context = ZSTD_initStaticDCtx(workspace, sizeof workspace);
  if (!context) die(125, "unpack: the decoder needs more memory\n");
  return ZSTD_decompressDCtx(context, out + frame->at, frame->size, in, frame->packed_size) == frame->size;
}

/* All frames, beside each other: a process has its own copy of the workspace, and the target in common. */
static void decode_all(int count, char* out) {
  long children[FRAMES_MAX];
  int is_whole = 1;
  for (int i = 1; i < count; ++i) {
    children[i] = call(SYS_FORK, 0, 0, 0, 0, 0, 0);
    if (children[i] == 0) call(SYS_EXIT, decode(&frames[i], out) ? 0 : 1, 0, 0, 0, 0, 0);
  }
  is_whole &= decode(&frames[0], out);
  for (int i = 1; i < count; ++i) {
    int status = 0;
    if (children[i] < 0) /* no process could be had */
      is_whole &= decode(&frames[i], out);
    else if (call(SYS_WAIT4, children[i], (long)&status, 0, 0, 0, 0) != children[i] || status != 0)
      is_whole = 0;
  }
  if (!is_whole) die(123, "unpack: the packed worker is damaged\n");
}

__attribute__((noreturn, used)) static void run(long* stack) {
  const long count = stack[0];
  char** argv = (char**)(stack + 1);
  char** environment = argv + count + 1;
  static char temporary[4096];
  static const char kAsItComes[] = "--as-it-comes";
  size_t n = 0;
  call(SYS_ARCH_PRCTL, 0x1002 /* set FS */, (long)thread_area, 0, 0, 0, 0);
  int comes = count > 1;
  for (size_t i = 0; comes && i < sizeof kAsItComes; ++i) comes = argv[1][i] == kAsItComes[i];
  if (count < 3 + comes) die(121, "unpack: usage: unpack [--as-it-comes] PACKED TARGET [ARGUMENTS...]\n");
  argv += comes;

  packed = call(SYS_OPEN, (long)argv[1], 0, 0, 0, 0, 0);
  if (packed < 0) die(122, "unpack: cannot open the packed worker\n");
  int frame_count = 0;
  size_t size = 0;
  if (comes) {
    size = read_table(&frame_count);
  } else {
    const size_t packed_size = packed_file_size();
    size = find_frames(map_packed(packed_size), packed_size, &frame_count);
  }
  if (size == 0) die(123, "unpack: the packed worker is damaged\n");

  for (; argv[2][n] && n < sizeof temporary - 8; ++n) temporary[n] = argv[2][n];
  memcpy(temporary + n, ".new", 5);
  const long out_fd = call(SYS_OPEN, (long)temporary, 01002 | 0100 /* read, write, create, truncate */, 0700, 0, 0, 0);
  if (out_fd < 0 || call(SYS_FTRUNCATE, out_fd, (long)size, 0, 0, 0, 0) < 0)
    die(124, "unpack: cannot create the worker; is the disk full?\n");
  /* Where room can be asked for; without it a full disk would be met as a signal, in the middle. */
  const long room = call(SYS_FALLOCATE, out_fd, 0, 0, (long)size, 0, 0);
  if (room == NO_SPACE || room == OVER_QUOTA) {
    call(SYS_UNLINK, (long)temporary, 0, 0, 0, 0, 0);
    die(124, "unpack: cannot create the worker: No space left on device\n");
  }
  char* out = (char*)call(SYS_MMAP, 0, (long)size, 3 /* read, write */, 1 /* shared */, out_fd, 0);
  if ((long)out < 0 && (long)out > -4096) die(124, "unpack: cannot map the worker\n");

  decode_all(frame_count, out);
  call(SYS_MUNMAP, (long)out, (long)size, 0, 0, 0, 0);
  call(SYS_FCHMOD, out_fd, 0755, 0, 0, 0, 0);
  call(SYS_CLOSE, out_fd, 0, 0, 0, 0, 0);
  if (call(SYS_RENAME, (long)temporary, (long)argv[2], 0, 0, 0, 0) < 0)
    die(124, "unpack: cannot put the worker in its place\n");
  /* A program that looks at the processes of the machine (ps) may hold the memory of a child that has ended, and with
   * it the file that is mapped there: it is busy until that program has looked. */
  long failed = 0;
  for (int waits = 0; waits < BUSY_WAITS_MAX; ++waits) {
    failed = call(SYS_EXECVE, (long)argv[2], (long)(argv + 2), (long)environment, 0, 0, 0);
    if (failed != TEXT_BUSY) break;
    wait_a_moment();
  }
  char said[] = "unpack: cannot execute the worker: errno 000\n";
  for (size_t at = sizeof said - 3; failed < 0; failed = -(-failed / 10), --at) said[at] += (char)(-failed % 10);
  die(126, said);
}

__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall run\n\thlt\n");
