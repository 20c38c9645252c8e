#include "bench/zstd_download.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "protocol/base/text.h"
#include "protocol/http/transport.h"

namespace osiris::bench {
namespace {

constexpr size_t kBlock = 1u << 18;

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "bench: the baseline download failed: %s\n", why);
  std::exit(1);
}

void get(const e2b_server::SandboxHandle& sandbox, const std::string& remote_path, http::BodyPipe& out) {
  e2b_server::HttpClient client(sandbox.url);
  client.send("GET", "/files?path=" + percent_encode(remote_path), sandbox.headers(), {});
  e2b_server::HttpAnswer answer = client.read_head();
  if (answer.status != 200) die("the server does not answer 200");
  for (std::string part; !(part = client.read_some(answer)).empty();) out.write(part);
  if (!answer.is_complete) die("a body ended early");
  out.close();
}

// Blocks of `in` until its end.
template <class Take>
void read_all(http::BodyPipe& in, Take take) {
  std::string block(kBlock, '\0');
  for (size_t count = 0; in.read_wait(block.data(), block.size(), &count) == http::BodyPipe::Read::kBytes;)
    take(std::string_view(block).substr(0, count));
}

void compress(http::BodyPipe& in, http::BodyPipe& out) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1);
  std::string block(ZSTD_CStreamOutSize(), '\0');
  const auto feed = [&](std::string_view bytes, ZSTD_EndDirective end) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{block.data(), block.size(), 0};
      const size_t left = ZSTD_compressStream2(context.get(), &output, &input, end);
      if (ZSTD_isError(left)) die(ZSTD_getErrorName(left));
      out.write(std::string_view(block).substr(0, output.pos));
      if (end == ZSTD_e_end ? left == 0 : input.pos == input.size) return;
    }
  };
  read_all(in, [&](std::string_view bytes) { feed(bytes, ZSTD_e_continue); });
  feed({}, ZSTD_e_end);
  out.close();
}

uint64_t decompress(http::BodyPipe& in, const std::filesystem::path& to) {
  const int file = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) die("cannot write");
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  std::string block(ZSTD_DStreamOutSize(), '\0');
  uint64_t written = 0;
  read_all(in, [&](std::string_view bytes) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (input.pos < input.size) {
      ZSTD_outBuffer output{block.data(), block.size(), 0};
      const size_t state = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(state)) die(ZSTD_getErrorName(state));
      if (write(file, block.data(), output.pos) != static_cast<ssize_t>(output.pos)) die("cannot write");
      written += output.pos;
    }
  });
  close(file);
  return written;
}

}  // namespace

uint64_t download_through_zstd(const e2b_server::SandboxHandle& sandbox, const std::vector<DownloadedFile>& files) {
  uint64_t bytes = 0;
  for (const DownloadedFile& file : files) {
    http::BodyPipe plain(4u << 20), packed(4u << 20);
    std::thread getter([&] { get(sandbox, file.remote_path, plain); });
    std::thread packer([&] { compress(plain, packed); });
    bytes += decompress(packed, file.to);
    getter.join();
    packer.join();
  }
  return bytes;
}

}  // namespace osiris::bench
