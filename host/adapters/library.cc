// Deliberate: RTLD_NODELETE rides through Boost's mode argument, and the handles live in a registry that is never
// destroyed. Not RTLD_DEEPBIND: it parts malloc from free. Not the error_code overload: it drops dlerror's text.
#include "host/adapters/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <boost/dll/shared_library.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

constexpr const char* kEntry = "osiris_adapter_main_v1";

// "boost::dll::shared_library::load() failed (dlerror system message: X): Bad file descriptor" -> "X".
std::string loader_words(std::string what) {
  const std::string before = "dlerror system message: ", after = "): ";
  if (const size_t start = what.find(before); start != std::string::npos) what.erase(0, start + before.size());
  if (const size_t end = what.rfind(after); end != std::string::npos) what.erase(end);
  return what;
}

Result<AdapterMain> entry_of(const boost::dll::shared_library& library, const std::filesystem::path& path) {
  if (library.has(kEntry)) return AdapterMain(&library.get<const osiris_module*(const osiris_host_info*)>(kEntry));
  for (const char* major : {"2", "3", "4"}) {
    if (library.has(std::string("osiris_adapter_main_v") + major)) {
      return Error(Code::kUnsupported, path.string() + ": built for adapter ABI " + major + "; this osiris speaks 1.x",
                   "upgrade osiris, or install the adapter's version for ABI 1");
    }
  }
  return Error(Code::kInvalidArgument, path.string() + ": not an osiris adapter: it does not export " + kEntry,
               "check library.linux_amd64 of its manifest");
}

}  // namespace

Result<AdapterMain> load_adapter_main(const std::filesystem::path& path) {
  static std::mutex mutex;
  static auto& libraries = *new std::map<std::filesystem::path, std::unique_ptr<boost::dll::shared_library>>();
  const std::lock_guard lock(mutex);
  auto& library = libraries[path];
  if (!library) {
    try {
      namespace dll = boost::dll;
      library = std::make_unique<dll::shared_library>(path, dll::load_mode::rtld_now | dll::load_mode::rtld_local |
                                                                static_cast<dll::load_mode::type>(RTLD_NODELETE));
    } catch (const std::exception& failure) {
      // The loader says it in words only. Where not even the null device can be opened, that is why.
      if (!FileDescriptor::open("/dev/null", O_RDONLY).is_open())
        return errno_error(errno, "cannot load the adapter library", path);
      return Error(Code::kInvalidArgument,
                   "cannot load the adapter library " + path.string() + ": " + loader_words(failure.what()),
                   "is it a shared library for this machine, with everything it needs installed?");
    }
  }
  return entry_of(*library, path);
}

}  // namespace osiris
