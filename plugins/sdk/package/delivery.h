// How the worker gets to another machine: not at all where it is already (a template that osiris built, a kept
// machine), otherwise as its zstd-compressed file and a small static program that unpacks it and becomes it
// (stub/unpack.c; why zstd and not gzip: docs/decisions/0003-worker-delivery.md).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/channel/remote_process.h"
#include "plugins/sdk/package/layout.h"
#include "protocol/base/error.h"

namespace osiris::sdk {

// One file of an upload: `write` sends its bytes to the sink, in order; it returns false when the sink does, or an
// error to abort the upload.
struct UploadPart {
  std::string path;  // absolute, on the worker's machine
  std::function<Status(const std::function<bool(std::string_view)>& sink)> write;
};

struct Delivery {
  std::vector<UploadPart> parts;  // before the package's
  bool sends_worker = false;
  StartSpec start;  // what Process/Start runs, which may be started before the upload
};

// `present_in`: the directory that holds the worker already, or empty.
struct DeliveryRequest {
  std::filesystem::path worker_path;
  std::string worker_sha256;
  std::string present_in;
  Layout layout;  // the process works in layout.run, which the upload makes; when layout.arrived() is there, all is. A
                  // worker that is sent starts before that: what it is asked for has to wait for the upload's end
  bool wipe_other_runs = false;
  std::vector<std::string> drivers = {};      // of the run: the worker gets ready for them
  std::optional<Result<std::string>> packed;  // of packed_worker(), if the caller has it already
  std::shared_ptr<const std::string> shared;  // likewise, of many deliveries; not null: wins
  // Of plan_unpacking(): what is installed there (requirement_set()), and by which variables beside the worker's own.
  std::vector<std::string> requirements;
  std::map<std::string, std::string> environment;
};
Result<Delivery> plan_delivery(DeliveryRequest request);
// For a relay (`osiris-worker --relay`), which is sent its packages later: nothing but the parts is to be uploaded, and
// nothing at all where the worker is there.
Result<Delivery> plan_relay(DeliveryRequest request);
// For a machine of which others are made: the worker is unpacked, has run once, has installed what is required, and no
// process is left. The shell's exit status: 0, or kNotInstalled where only the installing went wrong. What that says
// is on stdout and stderr (worker/drivers/python/install_command.h).
inline constexpr int kNotInstalled = 75;
Result<Delivery> plan_unpacking(DeliveryRequest request);

// The same where files are sent one by one and the worker is started after them: nothing is waited for, and a worker
// takes its place under its hash only once it has run, so that runs side by side do not meet.
struct InPlace {
  std::vector<UploadPart> parts;
  std::string script;  // for /bin/sh -c
};
Result<InPlace> deliver_in_place(const Layout& layout, const std::filesystem::path& worker_path,
                                 const std::string& worker_sha256, bool is_present);

UploadPart bytes_part(std::string path, std::shared_ptr<const std::string> bytes);

// An error where the worker cannot run on another machine: one that is linked with a shared DuckDB, for a first look
// and sanitizers.
Status check_worker_travels(const std::filesystem::path& worker_path);

// The worker compressed for travel: osiris-worker.zst beside it, if it was packed from exactly this worker (its first
// frame says which), otherwise packed now.
Result<std::string> packed_worker(const std::filesystem::path& worker_path, const std::string& worker_sha256);

// The form of osiris-worker.zst: a skippable frame with the hash, one with the packed size and the size of each frame
// (64 bits, little endian), and then these. The worker is read in blocks and never held whole.
Result<std::string> compress_worker(const std::filesystem::path& worker_path, const std::string& worker_sha256,
                                    int level);
// The same of one that is read by a function: at most so many bytes from there on, 0 at its end; from several threads.
using ReadAt = std::function<Result<size_t>(uint64_t offset, char* into, size_t bytes)>;
Result<std::string> compress_worker(uint64_t size_bytes, const ReadAt& read, const std::string& worker_sha256,
                                    int level);

}  // namespace osiris::sdk
