// Files and processes of one sandbox, through its envd.
#pragma once

#include <osiris/sdk/place.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/e2b/api/envd.h"

namespace osiris::e2b {

class SandboxAccess : public adapter_sdk::MachineAccess {
 public:
  // Borrows the client. `stall_limit`: how long a call on which the run depends may stall.
  SandboxAccess(ApiClient& api, Sandbox sandbox, adapter_sdk::Milliseconds stall_limit)
      : envd_(api, std::move(sandbox), stall_limit) {}

  uint64_t upload(std::vector<adapter_sdk::UploadPart> parts, const std::atomic<bool>& cancelled,
                  const std::function<void()>& opened) override;
  std::unique_ptr<adapter_sdk::ByteSource> download(const std::string& path, uint64_t offset,
                                                    const std::string& operation) override;

  std::unique_ptr<adapter_sdk::ProcessStream> start(const adapter_sdk::StartSpec& spec) override;
  std::unique_ptr<adapter_sdk::ProcessStream> connect(int64_t pid) override;
  void send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) override;
  void kill(int64_t pid) override;
  std::vector<int64_t> list() override;
  bool is_alive() override;
  bool is_unknown_process(const plugin::Failure& failure) const override;
  bool is_input_closed(const plugin::Failure& failure) const override;

 private:
  Envd envd_;
};

}  // namespace osiris::e2b
