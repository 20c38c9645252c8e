#include "plugins/sdk/api/byte_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "plugins/sdk/api/convert.h"

namespace osiris::adapter_sdk {
namespace {

class OpenedStream : public sdk::ByteStream {
 public:
  explicit OpenedStream(std::function<std::unique_ptr<ByteSource>()> open) : open_(std::move(open)) {}

  Result<std::string> read(sdk::Milliseconds wait) override {
    OSIRIS_ASSIGN(std::optional<std::string> bytes, value_of([&] {
                    if (!source_) source_ = open_();
                    return source_->read(wait);
                  }));
    if (!bytes) return Error(Code::kDeadline, "nothing came");
    return *std::move(bytes);
  }

 private:
  const std::function<std::unique_ptr<ByteSource>()> open_;
  std::unique_ptr<ByteSource> source_;
};

}  // namespace

std::unique_ptr<sdk::ByteStream> byte_stream(std::function<std::unique_ptr<ByteSource>()> open) {
  return std::make_unique<OpenedStream>(std::move(open));
}

}  // namespace osiris::adapter_sdk
