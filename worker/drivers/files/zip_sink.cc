#include "worker/drivers/files/zip_sink.h"

#include <minizip/zip.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::files {
namespace {

constexpr size_t kInputBytesMax = size_t{1} << 26;  // minizip counts a piece in 32 bits
constexpr uLong kFirstDosDate = 0x21 << 16;         // 1980-01-01 00:00, the format's first day
constexpr uLong kUtf8Names = 1 << 11;

// minizip's view of the file: it goes back to the member's head when its size is known.
struct ZipFile {
  ReplacingFile* file = nullptr;
  uint64_t at = 0, end = 0;
  Status status{};  // the first failure
};

ZipFile& zip_file(voidpf opaque) { return *static_cast<ZipFile*>(opaque); }

voidpf open_file(voidpf opaque, const void*, int) { return opaque; }
uLong read_file(voidpf, voidpf, void*, uLong) { return 0; }
int close_file(voidpf, voidpf) { return 0; }
int test_error(voidpf opaque, voidpf) { return zip_file(opaque).status.ok() ? 0 : 1; }
ZPOS64_T tell(voidpf opaque, voidpf) { return zip_file(opaque).at; }

long seek(voidpf opaque, voidpf, ZPOS64_T offset, int origin) {
  ZipFile& zip = zip_file(opaque);
  const uint64_t from = origin == ZLIB_FILEFUNC_SEEK_SET ? 0 : origin == ZLIB_FILEFUNC_SEEK_CUR ? zip.at : zip.end;
  zip.at = from + offset;
  return zip.at <= zip.end ? 0 : -1;
}

uLong write_file(voidpf opaque, voidpf, const void* data, uLong size) {
  ZipFile& zip = zip_file(opaque);
  const std::string_view bytes(static_cast<const char*>(data), size);
  if (zip.status.ok()) zip.status = zip.at == zip.end ? zip.file->write(bytes) : zip.file->write_at(zip.at, bytes);
  if (!zip.status.ok()) return 0;
  zip.at += size;
  zip.end = std::max(zip.end, zip.at);
  return size;
}

std::string member_name(const std::filesystem::path& archive) {
  const bool has_suffix = ascii_lower(archive.extension().native()) == ".zip";
  const std::filesystem::path stem = has_suffix ? archive.stem() : archive.filename();
  return stem.has_extension() ? stem.string() : stem.string() + ".csv";
}

class ZipSink : public ByteSink {
 public:
  ZipSink(const std::filesystem::path& path, ReplacingFile& file) : zip_{&file} {
    zlib_filefunc64_def calls{open_file, read_file, write_file, tell, seek, close_file, test_error, &zip_};
    archive_ = zipOpen2_64(file.target().c_str(), APPEND_STATUS_CREATE, nullptr, &calls);
    zip_fileinfo info{};
    info.dosDate = kFirstDosDate;
    constexpr int kZip64 = 1;  // its size is not known before its end
    opened_ =
        archive_ && zipOpenNewFileInZip4_64(archive_, member_name(path).c_str(), &info, nullptr, 0, nullptr, 0, nullptr,
                                            Z_DEFLATED, Z_DEFAULT_COMPRESSION, 0, -MAX_WBITS, DEF_MEM_LEVEL,
                                            Z_DEFAULT_STRATEGY, nullptr, 0, 0, kUtf8Names, kZip64) == ZIP_OK;
  }
  ~ZipSink() override {
    if (archive_) zipClose(archive_, nullptr);
  }
  ZipSink(const ZipSink&) = delete;
  ZipSink& operator=(const ZipSink&) = delete;

  Status write(std::string_view bytes) override {
    bool ok = opened_;
    for (; ok && !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kInputBytesMax))) {
      const std::string_view piece = bytes.substr(0, kInputBytesMax);
      ok = zipWriteInFileInZip(archive_, piece.data(), static_cast<unsigned>(piece.size())) == ZIP_OK;
    }
    return ok ? Status() : failure();
  }
  Status finish() override {
    const bool member_closed = opened_ && zipCloseFileInZip(archive_) == ZIP_OK;
    const bool closed = zipClose(std::exchange(archive_, nullptr), nullptr) == ZIP_OK;
    return member_closed && closed ? Status() : failure();
  }

 private:
  Status failure() const {
    if (!zip_.status.ok()) return zip_.status;
    return Error(Code::kExhausted, "cannot compress " + zip_.file->target().string() + ": out of memory", {},
                 category::kRuntimeMemoryExceeded);
  }

  ZipFile zip_;
  zipFile archive_ = nullptr;
  bool opened_ = false;
};

}  // namespace

std::unique_ptr<ByteSink> make_zip_sink(const std::filesystem::path& path, ReplacingFile& file) {
  return std::make_unique<ZipSink>(path, file);
}

}  // namespace osiris::worker::files
