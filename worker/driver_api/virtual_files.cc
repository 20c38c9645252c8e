#include "worker/driver_api/virtual_files.h"

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/database.hpp>

#include <algorithm>
#include <map>
#include <mutex>

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

constexpr const char* kSystemName = "osiris_virtual_files";
constexpr const char* kPrefix = "osiris-file://";

class OpenFile : public duckdb::FileHandle {
 public:
  OpenFile(duckdb::FileSystem& system, const std::string& name, duckdb::FileOpenFlags how,
           std::shared_ptr<VirtualFile> opened)
      : FileHandle(system, name, how), file(std::move(opened)) {}
  void Close() override {}

  const std::shared_ptr<VirtualFile> file;
  duckdb::idx_t at = 0;
};

// By their names, which are used once. Files that are gone are no longer there.
class Names {
 public:
  std::string add(const std::shared_ptr<VirtualFile>& file, const std::string& kept_name) {
    const std::string name = kPrefix + to_hex(random_bytes(16)) + "/" + kept_name;
    const std::lock_guard lock(mutex_);
    std::erase_if(files_, [](const auto& known) { return known.second.expired(); });
    files_[name] = file;
    return name;
  }
  std::shared_ptr<VirtualFile> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto known = files_.find(name);
    return known == files_.end() ? nullptr : known->second.lock();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<VirtualFile>> files_;
};

Names& names() {
  static Names all;
  return all;
}

class VirtualFiles : public duckdb::FileSystem {
 public:
  std::string GetName() const override { return kSystemName; }
  bool CanHandleFile(const std::string& path) override { return path.starts_with(kPrefix); }
  bool CanSeek() override { return true; }
  // The reader of Parquet then asks for all that it needs of a column at once.
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener>) override {
    if (flags.OpenForWriting()) throw duckdb::IOException("the file can be read only");
    auto file = names().find(path);
    if (!file) throw duckdb::IOException("there is no such file");
    return duckdb::make_uniq<osiris::worker::OpenFile>(*this, path, flags, std::move(file));
  }
  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    return names().find(path) != nullptr;
  }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener*) override {
    return {duckdb::OpenFileInfo(path)};
  }

  void Read(duckdb::FileHandle& handle, void* buffer, int64_t size, duckdb::idx_t at) override {
    VirtualFile& file = *handle.Cast<osiris::worker::OpenFile>().file;
    const auto wanted = static_cast<uint64_t>(size);
    if (at > file.size_bytes() || wanted > file.size_bytes() - at)
      throw duckdb::IOException("the file has no " + std::to_string(wanted) + " bytes at " + std::to_string(at));
    const Status read = file.read(at, static_cast<char*>(buffer), wanted);
    if (!read.ok()) throw duckdb::IOException(read.error().message);
  }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size) override {
    auto& opened = handle.Cast<osiris::worker::OpenFile>();
    const uint64_t left = opened.file->size_bytes() - std::min(opened.file->size_bytes(), opened.at);
    const int64_t got = std::min(size, static_cast<int64_t>(left));
    if (got > 0) Read(handle, buffer, got, opened.at);
    opened.at += static_cast<uint64_t>(got);
    return got;
  }
  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    return static_cast<int64_t>(handle.Cast<osiris::worker::OpenFile>().file->size_bytes());
  }
  // Its name is used once, so what is kept of it never grows old.
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle&) override { return duckdb::timestamp_t(0); }
  std::string GetVersionTag(duckdb::FileHandle& handle) override { return handle.GetPath(); }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t at) override { handle.Cast<osiris::worker::OpenFile>().at = at; }
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override { return handle.Cast<osiris::worker::OpenFile>().at; }
};

}  // namespace

Result<std::string> define_virtual_file(duckdb_connection connection, const std::shared_ptr<VirtualFile>& file,
                                        const std::string& kept_name) {
  static std::mutex mutex;
  auto& database = *reinterpret_cast<duckdb::Connection*>(connection)->context->db;
  try {
    const std::lock_guard lock(mutex);
    duckdb::FileSystem& system = database.GetFileSystem();
    const auto known = system.ListSubSystems();
    if (std::find(known.begin(), known.end(), kSystemName) == known.end())
      system.RegisterSubSystem(duckdb::make_uniq<VirtualFiles>());
  } catch (const std::exception& failure) {
    return Error(Code::kInternal, "DuckDB refused a file system: " + duckdb::ErrorData(failure).Message());
  }
  return names().add(file, kept_name);
}

std::shared_ptr<VirtualFile> find_virtual_file(const std::string& name) {
  return name.starts_with(kPrefix) ? names().find(name) : nullptr;
}

}  // namespace osiris::worker
