#include "protocol/base/local_mark.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {

// No device number: it may be another one after the next boot. No boot id: what a run left before a reboot is left
// still.
std::string local_mark(int fd) {
  struct stat info{};
  utsname name{};
  if (::fstat(fd, &info) != 0 || ::uname(&name) != 0) return {};
  const auto machine = read_file("/etc/machine-id", 4096);
  const std::string parts = (machine.ok() ? std::string(trim(*machine)) : std::string()) + "\n" + name.nodename + "\n" +
                            std::to_string(info.st_ino);
  return sha256_hex(parts).substr(0, 32);
}

}  // namespace osiris
