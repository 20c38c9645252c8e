#include "worker/drivers/filesystem.json_extractor/record_lines.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "protocol/base/file.h"

namespace osiris::worker::json_in {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

Status RecordLines::open() {
  file_ = FileDescriptor::open(path_, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return file_.is_open() ? Status() : Status(errno_error(errno, "cannot write", path_));
}

// Line ends are blanks between the parts of a record, for strings hold none.
void RecordLines::append_flat(std::string_view text) {
  const size_t begin = buffer_.size();
  buffer_ += text;
  std::replace_if(
      buffer_.begin() + static_cast<ptrdiff_t>(begin), buffer_.end(), [](char c) { return c == '\n' || c == '\r'; },
      ' ');
}

void RecordLines::append_quoted(std::string_view text) {
  buffer_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') buffer_ += '\\';
    buffer_ += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  }
  buffer_ += '"';
}

Status RecordLines::add(std::string_view record, const std::vector<Member>& members) {
  const size_t begin = buffer_.size();
  if (forms_.empty() && !only_) {
    append_flat(record);
  } else {
    buffer_ += '{';
    bool is_first = true;
    size_t key_from = record.find('{') + 1;
    for (const Member& member : members) {
      const auto form = forms_.find(member.key);
      const std::string_view value = record.substr(member.begin, member.end - member.begin);
      std::string_view head = record.substr(key_from, member.begin - key_from);  // the key and ':'
      head.remove_prefix(std::min(head.find('"'), head.size()));
      key_from = member.end;
      if (form == forms_.end() && only_) continue;
      if (!is_first) buffer_ += ',';
      is_first = false;
      append_flat(head);
      const Form how = form == forms_.end() ? Form::kAsIs : form->second;
      const bool is_plain =
          how == Form::kAsIs || member.kind == Kind::kNull || (how == Form::kText && member.kind == Kind::kText);
      if (is_plain)
        append_flat(value);
      else
        append_quoted(value);
    }
    buffer_ += '}';
  }
  longest_ = std::max(longest_, buffer_.size() - begin);
  buffer_ += '\n';
  if (buffer_.size() < kBufferBytes) return {};
  if (!write_all(file_.get(), buffer_)) return errno_error(errno, "cannot write", path_);
  buffer_.clear();
  return {};
}

Status RecordLines::close() {
  if (!write_all(file_.get(), buffer_) || !file_.close()) return errno_error(errno, "cannot write", path_);
  buffer_ = {};
  return {};
}

}  // namespace osiris::worker::json_in
