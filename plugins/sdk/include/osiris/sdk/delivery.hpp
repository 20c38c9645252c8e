// osiris/sdk/delivery.hpp: the worker as it travels, for adapters that put it into an image or a template beforehand.
// Where a Template names a worker_directory that holds it under worker_place(), no run sends it. RemoteAdapter and
// WorkerRun send it by themselves where it is not.
#pragma once

#include <string>
#include <string_view>

namespace osiris::adapter_sdk {

// The compressed worker: osiris-worker.zst beside it where that was packed from exactly this worker, otherwise packed
// now, which takes seconds. `path`, `sha256`: worker_path and worker_sha256 of the request. Throws what reading it
// throws.
std::string packed_worker(const std::string& path, const std::string& sha256);

// A static program for Linux on x86-64, some kilobytes: `unpacker PACKED PLACE ARGUMENT...` unpacks the worker to PLACE
// and becomes it, with the arguments. Lives as long as the library.
std::string_view worker_unpacker();

// The worker's file in `directory`: its name holds its hash.
std::string worker_place(const std::string& directory, std::string_view sha256);

}  // namespace osiris::adapter_sdk
