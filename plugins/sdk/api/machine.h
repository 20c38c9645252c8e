// What the package and the artifacts need of a machine that an adapter reaches by a FileChannel.
#pragma once

#include <osiris/sdk/files.hpp>

#include <memory>

#include "plugins/sdk/channel/remote_process.h"
#include "plugins/sdk/channel/service.h"

namespace osiris::adapter_sdk {

// Errors are what the adapter threw; kUnavailable may pass.
class Machine : public sdk::Service {
 public:
  std::string_view id() const override { return "adapter"; }
  std::string_view noun() const override { return "machine"; }
  std::string_view plural() const override { return "machines"; }
  std::string_view daemon() const override { return "machine"; }
  Error failure(FailureClass failure, std::string message, std::string hint, Json detail) const override;
  FailureClass class_of(const Error& error) const override;
  bool may_pass(const Error& error) const override { return error.code == Code::kUnavailable; }
  sdk::Milliseconds retry_after(const Error&) const override { return sdk::Milliseconds(0); }
  Error after_attempts(Error error, int attempts) const override;
};

std::unique_ptr<sdk::ByteStream> open_stream(FileChannel& files, const std::string& path, uint64_t offset);

}  // namespace osiris::adapter_sdk
