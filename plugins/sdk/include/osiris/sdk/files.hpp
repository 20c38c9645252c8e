// osiris/sdk/files.hpp: files to and from the machine of a worker, for adapters whose worker runs elsewhere.
#pragma once

#include <osiris/sdk/channel.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace osiris::adapter_sdk {

// A file's bytes as they come.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Some bytes; an empty text at the end; nothing when none came within `wait`. Throws plugin::Failure; after
  // OSIRIS_UNAVAILABLE the file is opened again where it broke.
  virtual std::optional<std::string> read(Milliseconds wait) = 0;
};

// Paths are absolute, of letters, digits and "/._-". Functions throw plugin::Failure.
class FileChannel {
 public:
  virtual ~FileChannel() = default;
  using Sink = std::function<bool(std::string_view)>;
  // Makes the file, for its owner alone, in a directory that is there. `write` is to be called once: it hands the bytes
  // to the sink, which returns false to end it, and throws when they cannot be had.
  virtual void upload(const std::string& path, const std::function<void(const Sink&)>& write) = 0;
  virtual std::unique_ptr<ByteSource> download(const std::string& path, uint64_t offset) = 0;
};

}  // namespace osiris::adapter_sdk
