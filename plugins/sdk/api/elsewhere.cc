#include "plugins/sdk/api/elsewhere.h"

#include <memory>

#include "plugins/sdk/api/convert.h"
#include "plugins/sdk/package/delivery.h"
#include "protocol/base/clock.h"

namespace osiris::adapter_sdk {

Result<std::string> send_package(const sdk::Host& host, const Elsewhere& where, const sdk::Layout& layout,
                                 const sdk::RunRequest& request, const sdk::PackageContents& contents) {
  const int64_t began_ns = system_clock().monotonic_ns();
  OSIRIS_ASSIGN(sdk::InPlace delivery,
                sdk::deliver_in_place(layout, request.worker_path, request.worker_sha256, where.has_worker));
  // Packed while the worker is on its way.
  sdk::PackageStream stream(contents);
  delivery.parts.push_back({layout.package(), [&](const auto& sink) { return stream.write_to(sink); }});
  uint64_t bytes = 0;
  for (const sdk::UploadPart& part : delivery.parts) {
    Status read;  // of what is sent, as against the sending
    bool stopped = false;
    const Status sent = status_of([&] {
      where.files.upload(part.path, [&](const FileChannel::Sink& sink) {
        read = part.write([&](std::string_view block) {
          bytes += block.size();
          stopped = !sink(block);
          return !stopped;
        });
        if (!read && !stopped) throw sdk::to_failure(read.error());
      });
    });
    if (!sent) return sent.error();
    if (!read) return read.error();
  }
  host.event("package_uploaded", {},
             Json::object({{"bytes", bytes},
                           {"files", contents.files_sent()},
                           {"worker_sent", !where.has_worker},
                           {"duration_ms", (system_clock().monotonic_ns() - began_ns) / 1'000'000}}));
  return delivery.script;
}

}  // namespace osiris::adapter_sdk
