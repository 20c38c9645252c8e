#include "protocol/base/own_user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <system_error>

namespace osiris {
namespace {

constexpr uint32_t kFirst = 0x70000000;
constexpr uint32_t kCount = 1u << 28;  // 22 bits of process id, 6 bits of number
constexpr int kNumberBits = 6;

constexpr std::initializer_list<int> kKept = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER};

struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};

  bool load() { return ::syscall(SYS_capget, &header, data) == 0; }
  bool store() { return ::syscall(SYS_capset, &header, data) == 0; }
  bool has(int capability) const { return data[capability / 32].effective & (1u << (capability % 32)); }
};

// /proc/self/uid_map: "inside outside count" a line.
bool is_mapped(uint32_t first, uint32_t count) {
  std::FILE* map = std::fopen("/proc/self/uid_map", "re");
  if (!map) return false;
  bool found = false;
  unsigned long inside = 0, outside = 0, length = 0;
  while (std::fscanf(map, "%lu %lu %lu", &inside, &outside, &length) == 3)
    found = found || (inside <= first && first + uint64_t{count} <= inside + length);
  std::fclose(map);
  return found;
}

bool may_give() {
  Capabilities own;
  if (::geteuid() != 0 || !own.load()) return false;
  for (const int needed : {CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_KILL})
    if (!own.has(needed)) return false;
  for (const int kept : kKept)
    if (!own.has(kept)) return false;
  return is_mapped(kFirst, kCount);
}

}  // namespace

std::optional<uid_t> spare_user() {
  static const bool possible = may_give();
  static std::atomic<uint32_t> number{0};
  if (!possible) return std::nullopt;
  return kFirst + (((static_cast<uint32_t>(::getpid()) << kNumberBits) + number++ % (1u << kNumberBits)) % kCount);
}

bool become_user(uid_t user) {
  Capabilities kept;
  for (const int capability : kKept) {
    auto& word = kept.data[capability / 32];
    word.effective = word.permitted = word.inheritable |= 1u << (capability % 32);
  }
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
      ::setresuid(user, user, user) != 0 || !kept.store())
    return false;
  for (const int capability : kKept)
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void change_owner(const std::filesystem::path& path, uid_t from, uid_t to) {
  const auto change = [&](const std::filesystem::path& entry) {
    struct stat info{};
    if (::lstat(entry.c_str(), &info) == 0 && info.st_uid == from) static_cast<void>(!::lchown(entry.c_str(), to, to));
  };
  change(path);
  std::error_code code;
  for (std::filesystem::recursive_directory_iterator at(path, code), end; !code && at != end; at.increment(code))
    change(at->path());
}

}  // namespace osiris
