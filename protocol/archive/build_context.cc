#include "protocol/archive/build_context.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "protocol/base/file.h"

namespace osiris::archive {

Status write_build_context(const std::filesystem::path& target, const std::vector<NamedFile>& files) {
  const std::unique_ptr<struct archive, int (*)(struct archive*)> handle(archive_write_new(), archive_write_free);
  archive_write_set_format_ustar(handle.get());
  archive_write_add_filter_gzip(handle.get());
  archive_write_set_filter_option(handle.get(), "gzip", "timestamp", nullptr);  // a time would change the bytes
  archive_write_set_filter_option(handle.get(), "gzip", "compression-level", "1");
  const auto failed = [&](const std::string& what) {
    const char* why = archive_error_string(handle.get());
    return Error(Code::kUnavailable, what + ": " + (why ? why : "unknown reason"));
  };
  if (archive_write_open_filename(handle.get(), target.c_str()) != ARCHIVE_OK)
    return failed("cannot write " + target.string());
  for (const NamedFile& file : files) {
    OSIRIS_ASSIGN(const std::string bytes, read_file(file.source));
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), file.mode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    if (archive_write_header(handle.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(handle.get(), bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size()))
      return failed("cannot pack " + file.source.string());
  }
  if (archive_write_close(handle.get()) != ARCHIVE_OK) return failed("cannot finish " + target.string());
  return {};
}

}  // namespace osiris::archive
