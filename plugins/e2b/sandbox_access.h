// Files and processes of one sandbox, through its envd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugins/e2b/api/envd.h"
#include "plugins/sdk/place/place.h"

namespace osiris::e2b {

class SandboxAccess : public sdk::MachineAccess {
 public:
  // Borrows the client. `stall_limit`: how long a call on which the run depends may stall.
  SandboxAccess(ApiClient& api, Sandbox sandbox, sdk::Milliseconds stall_limit)
      : envd_(api, std::move(sandbox), stall_limit) {}

  Result<uint64_t> upload(std::vector<sdk::UploadPart> parts, const std::atomic<bool>& cancelled,
                          std::function<void()> opened) override;
  std::unique_ptr<sdk::ByteStream> download(const std::string& path, uint64_t offset, std::string operation) override;

  std::unique_ptr<sdk::ProcessStream> start(const sdk::StartSpec& spec) override;
  std::unique_ptr<sdk::ProcessStream> connect(int64_t pid) override;
  Status send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) override;
  Status kill(int64_t pid) override;
  Result<std::vector<int64_t>> list() override;
  Result<bool> is_alive() override;
  bool is_unknown_process(const Error& error) const override;
  bool is_input_closed(const Error& error) const override;

 private:
  Envd envd_;
};

}  // namespace osiris::e2b
