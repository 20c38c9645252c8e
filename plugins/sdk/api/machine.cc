#include "plugins/sdk/api/machine.h"

#include <utility>

#include "plugins/sdk/api/convert.h"

namespace osiris::adapter_sdk {
namespace {

constexpr FailureClass kClasses[] = {FailureClass::kQuotaExceeded, FailureClass::kCreationTimeout,
                                     FailureClass::kSandboxError,  FailureClass::kWorkerCrash,
                                     FailureClass::kAuthError,     FailureClass::kNotFound,
                                     FailureClass::kNetworkError};

Code code_of(FailureClass failure) {
  switch (failure) {
    case FailureClass::kQuotaExceeded:
      return Code::kExhausted;
    case FailureClass::kAuthError:
      return Code::kUnauthenticated;
    case FailureClass::kNotFound:
      return Code::kNotFound;
    case FailureClass::kWorkerCrash:
    case FailureClass::kSandboxError:
      return Code::kInternal;
    case FailureClass::kCreationTimeout:
    case FailureClass::kNetworkError:
      break;
  }
  return Code::kUnavailable;
}

class Stream : public sdk::ByteStream {
 public:
  explicit Stream(std::function<std::unique_ptr<ByteSource>()> open) : open_(std::move(open)) {}

  Result<std::string> read(sdk::Milliseconds wait) override {
    std::optional<std::string> bytes;
    OSIRIS_TRY(status_of([&] {
      if (!source_) source_ = open_();
      bytes = source_->read(wait);
    }));
    if (!bytes) return Error(Code::kDeadline, "nothing came");
    return *std::move(bytes);
  }

 private:
  std::function<std::unique_ptr<ByteSource>()> open_;
  std::unique_ptr<ByteSource> source_;
};

}  // namespace

Error Machine::failure(FailureClass failure, std::string message, std::string hint, Json detail) const {
  Error error(code_of(failure), std::move(message), std::move(hint));
  error.detail = std::move(detail);
  error.detail.set("class", failure_class_name(failure));
  return error;
}

FailureClass Machine::class_of(const Error& error) const {
  for (const FailureClass each : kClasses)
    if (error.detail["class"].as_string() == failure_class_name(each)) return each;
  return FailureClass::kSandboxError;
}

Error Machine::after_attempts(Error error, int attempts) const {
  if (attempts > 1) error.message += " (after " + std::to_string(attempts) + " attempts)";
  return error;
}

std::unique_ptr<sdk::ByteStream> open_stream(FileChannel& files, const std::string& path, uint64_t offset) {
  return std::make_unique<Stream>([&files, path, offset] { return files.download(path, offset); });
}

}  // namespace osiris::adapter_sdk
