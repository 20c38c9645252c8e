#include "plugins/sdk/package/delivery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <new>
#include <numeric>
#include <thread>

#include "plugins/sdk/channel/worker_environment.h"
#include "plugins/sdk/package/stub_bytes.h"
#include "protocol/base/elf.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"
#include "protocol/base/side_by_side.h"

namespace osiris::sdk {
namespace {

// A zstd skippable frame: magic, length, content. stub/pack.cc writes it, unpack.c skips it.
constexpr uint32_t kSkippableMagic = 0x184D2A50;

// The worker is unpacked by a process for each frame: on two processors in half the time, on four in a quarter.
constexpr size_t kFramesMax = 4;
constexpr size_t kFrameBytesMin = size_t{4} << 20;

template <class Number>
void append_number(Number number, std::string& bytes) {
  for (size_t i = 0; i < sizeof number; ++i) bytes += static_cast<char>((number >> (8 * i)) & 0xff);
}

std::string skippable_frame(std::string_view content) {
  std::string frame;
  append_number(kSkippableMagic, frame);
  append_number(static_cast<uint32_t>(content.size()), frame);
  return frame.append(content);
}

std::string hash_frame(const std::string& sha256) { return skippable_frame(sha256); }

// Shell words of ours only: hex digits, slashes and the letters of a run id. Nothing of the user's is in them.
bool is_plain(const std::string& word) {
  for (const char c : word) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '.' || c == '-' || c == '_';
    if (!plain) return false;
  }
  return !word.empty();
}

Status check_plain(const Layout& layout, const std::string& worker_sha256) {
  if (is_plain(layout.run) && is_plain(worker_sha256)) return {};
  return Error(Code::kInvalidArgument,
               "the directory " + layout.run + " or the worker's hash holds characters that no path of osiris has",
               "Letters, digits and /._- can be used.");
}

}  // namespace

UploadPart bytes_part(std::string path, std::shared_ptr<const std::string> bytes) {
  return {std::move(path), [bytes](const std::function<bool(std::string_view)>& sink) -> Status {
            if (sink(*bytes)) return {};
            return Error(Code::kCancelled, "the upload stopped");
          }};
}

namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

Error changed_meanwhile() {
  return {Code::kUnavailable, "the worker changed while it was being packed", "Run again when nothing writes to it."};
}

// A frame of its own, which can be unpacked beside the others: of the worker's bytes [begin, end).
Result<std::string> packed_frame(const ReadAt& read, uint64_t begin, uint64_t end, int level) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setPledgedSrcSize(context.get(), end - begin);
  ReadBlock block(kBlockBytes);
  std::string packed, made(ZSTD_CStreamOutSize(), '\0');
  for (bool has_more = true; has_more;) {
    OSIRIS_ASSIGN(const size_t got, read(begin, block.data(), std::min<uint64_t>(block.size(), end - begin)));
    if (got == 0 && begin < end) return changed_meanwhile();
    begin += got;
    has_more = begin < end;
    ZSTD_inBuffer in{block.data(), got, 0};
    for (bool is_taken = false; !is_taken;) {
      ZSTD_outBuffer out{made.data(), made.size(), 0};
      const size_t left = ZSTD_compressStream2(context.get(), &out, &in, has_more ? ZSTD_e_continue : ZSTD_e_end);
      if (ZSTD_isError(left))
        return Error(Code::kInternal, std::string("cannot compress the worker: ") + ZSTD_getErrorName(left));
      packed.append(made, 0, out.pos);
      is_taken = has_more ? in.pos == in.size : left == 0;
    }
  }
  return packed;
}

}  // namespace

Result<std::string> compress_worker(uint64_t size_bytes, const ReadAt& read, const std::string& worker_sha256,
                                    int level) {
  const auto count = std::clamp<size_t>(size_bytes / kFrameBytesMin, 1, kFramesMax);
  const uint64_t each = size_bytes / count;
  std::vector<Result<std::string>> frames(count, std::string());
  std::atomic<size_t> taken{0};
  side_by_side(std::min<size_t>(count, std::max(1u, std::thread::hardware_concurrency())), [&](size_t) {
    for (size_t i = taken++; i < count; i = taken++)
      frames[i] = packed_frame(read, i * each, i + 1 < count ? (i + 1) * each : size_bytes, level);
  });
  std::string table;
  for (size_t i = 0; i < count; ++i) {
    if (!frames[i]) return frames[i].error();
    append_number(uint64_t{frames[i]->size()}, table);
    append_number(i + 1 < count ? each : size_bytes - i * each, table);
  }
  std::string packed = hash_frame(worker_sha256) + skippable_frame(table);
  packed.reserve(std::accumulate(frames.begin(), frames.end(), packed.size(),
                                 [](size_t sum, const auto& frame) { return sum + frame->size(); }));
  for (Result<std::string>& frame : frames) {
    packed.append(*frame);
    frame = std::string();
  }
  return packed;
}

Result<std::string> compress_worker(const std::filesystem::path& worker_path, const std::string& worker_sha256,
                                    int level) {
  const FileDescriptor file = FileDescriptor::open(worker_path, O_RDONLY);
  struct stat info{};
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) return errno_error(errno, "cannot read", worker_path);
  const ReadAt read = [&](uint64_t offset, char* into, size_t bytes) -> Result<size_t> {
    for (;;) {
      const ssize_t got = ::pread(file.get(), into, bytes, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return errno_error(errno, "cannot read", worker_path);
    }
  };
  return compress_worker(static_cast<uint64_t>(info.st_size), read, worker_sha256, level);
}

Status check_worker_travels(const std::filesystem::path& worker_path) {
  OSIRIS_ASSIGN(const std::string interpreter, elf_interpreter(worker_path));
  if (interpreter.empty()) return {};
  return Error(
      Code::kUnsupported,
      "the worker " + worker_path.string() + " is linked dynamically: it runs on this machine only, not in a sandbox",
      "Build the static one (`make build` in a clone of osiris, then its build/release/bin/osiris), or install the "
      "package.");
}

Result<std::string> packed_worker(const std::filesystem::path& worker_path, const std::string& worker_sha256) {
  if (auto ready = read_file(worker_path.string() + ".zst"); ready && ready->starts_with(hash_frame(worker_sha256)))
    return ready;
  return compress_worker(worker_path, worker_sha256, 3);
}

namespace {

// A shell whose sleep takes no fractions waits whole seconds.
std::string wait_for(const std::string& path) { return "until [ -e " + path + " ]; do sleep 0.01 || sleep 1; done"; }

std::string unpacker(const Layout& layout) { return layout.run + "/unpack"; }  // whose directory is there with it
std::string packed_file(const Layout& layout) { return layout.root + "/worker.zst"; }

// Adds the worker as it travels. The shell's words that unpack it, while it still comes, and start it.
Result<std::string> send_worker(DeliveryRequest& request, Delivery& delivery) {
  if (!request.shared) {
    if (!request.packed) request.packed = packed_worker(request.worker_path, request.worker_sha256);
    OSIRIS_ASSIGN(std::string packed, *std::move(request.packed));
    request.shared = std::make_shared<const std::string>(std::move(packed));
  }
  const Layout& layout = request.layout;
  delivery.sends_worker = true;
  delivery.parts.push_back(bytes_part(unpacker(layout), std::make_shared<const std::string>(kStubBytes, kStubSize)));
  delivery.parts.push_back(bytes_part(packed_file(layout), request.shared));
  return unpacker(layout) + " --as-it-comes " + packed_file(layout) + " " +
         worker_file(layout.root, request.worker_sha256);
}

// The files of an upload are written one after the other, so that those before the packed worker are whole when that is
// there. Uploaded files are not executable.
std::string wait_for_unpacker(const Layout& layout, const std::string& directory) {
  return wait_for(packed_file(layout)) + "; cd " + directory + " && chmod 755 " + unpacker(layout);
}

Status set_start(const DeliveryRequest& request, std::string script, Delivery& delivery) {
  OSIRIS_TRY(check_plain(request.layout, request.worker_sha256));
  delivery.start.command = "/bin/sh";
  delivery.start.arguments = {"-c", std::move(script)};
  const auto environment = worker_environment(request.layout.home);
  delivery.start.environment = {environment.begin(), environment.end()};
  return {};
}

// Words of the worker that opens its engine while the rest of its run is on the way.
std::string ahead(const std::vector<std::string>& drivers) {
  std::string words;
  for (const std::string& driver : drivers) {
    if (!is_plain(driver)) return {};
    words += " " + driver;
  }
  return words.empty() ? words : " --ahead" + words;
}

}  // namespace

Result<Delivery> plan_delivery(DeliveryRequest request) {
  Delivery delivery;
  const Layout& layout = request.layout;
  std::string script, starts;
  if (!request.present_in.empty()) {
    script = wait_for(layout.arrived()) + "; cd " + layout.run;
    starts = worker_file(request.present_in, request.worker_sha256);
  } else {
    script = wait_for_unpacker(layout, layout.run);
    OSIRIS_ASSIGN(starts, send_worker(request, delivery));
  }
  if (request.wipe_other_runs) script += " && for d in ../*/; do [ \"$d\" -ef . ] || rm -rf \"$d\"; done";
  script += " && exec " + starts + ahead(request.drivers);
  OSIRIS_TRY(set_start(request, std::move(script), delivery));
  return delivery;
}

Result<Delivery> plan_relay(DeliveryRequest request) {
  Delivery delivery;
  const Layout& layout = request.layout;
  std::string script = "cd " + layout.home, starts = worker_file(request.present_in, request.worker_sha256);
  if (request.present_in.empty()) {
    script = wait_for_unpacker(layout, layout.home);
    OSIRIS_ASSIGN(starts, send_worker(request, delivery));
  }
  OSIRIS_TRY(set_start(request, script + " && exec " + starts + " --relay", delivery));
  return delivery;
}

Result<Delivery> plan_unpacking(DeliveryRequest request) {
  Delivery delivery;
  const Layout& layout = request.layout;
  OSIRIS_ASSIGN(const std::string starts, send_worker(request, delivery));
  std::string script = wait_for_unpacker(layout, layout.root) + " && " + starts + " --version > /dev/null && { " +
                       wait_for(layout.arrived()) + "; } && rm -rf worker.zst runs";
  std::string installs;
  for (size_t i = 0; i < request.requirements.size(); ++i) {
    const std::string file = layout.root + "/requirements-" + std::to_string(i + 1) + ".json";
    delivery.parts.push_back(bytes_part(file, std::make_shared<const std::string>(request.requirements[i])));
    installs += (installs.empty() ? "" : " && ") + worker_file(layout.root, request.worker_sha256) +
                " --install-requirements " + file + " --cache-dir " + layout.cache();
  }
  if (!installs.empty())
    script += " && { " + installs + "; status=$?; rm -f requirements-*.json; [ $status -eq 0 ] || exit " +
              std::to_string(kNotInstalled) + "; }";
  delivery.parts.push_back(bytes_part(layout.arrived(), std::make_shared<const std::string>("1")));
  OSIRIS_TRY(set_start(request, std::move(script), delivery));
  delivery.start.environment.insert(request.environment.begin(), request.environment.end());
  return delivery;
}

Result<InPlace> deliver_in_place(const Layout& layout, const std::filesystem::path& worker_path,
                                 const std::string& worker_sha256, bool is_present) {
  OSIRIS_TRY(check_plain(layout, worker_sha256));
  const std::string worker = worker_file(layout.root, worker_sha256);
  InPlace delivery;
  delivery.script = "cd " + layout.run;
  if (!is_present) {
    OSIRIS_ASSIGN(std::string packed, packed_worker(worker_path, worker_sha256));
    const std::string unpack = layout.run + "/unpack", travelled = layout.run + "/worker.zst";
    delivery.parts.push_back(bytes_part(unpack, std::make_shared<const std::string>(kStubBytes, kStubSize)));
    delivery.parts.push_back(bytes_part(travelled, std::make_shared<const std::string>(std::move(packed))));
    delivery.script += " && chmod 700 unpack && ./unpack worker.zst " + layout.run +
                       "/worker --version > /dev/null && mv worker " + worker + " && rm unpack worker.zst";
  }
  delivery.script += " && exec " + worker;
  return delivery;
}

}  // namespace osiris::sdk
