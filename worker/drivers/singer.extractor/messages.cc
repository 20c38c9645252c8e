#include "worker/drivers/singer.extractor/messages.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::singer {
namespace {

constexpr size_t kLineBytesMax = size_t{256} << 20;
constexpr size_t kShownBytes = 120;

// The parts of a message that every line has; views into it.
struct Parts {
  std::string type, stream;
  std::string_view record;
};

bool parts_of(std::string_view line, Parts& parts) {
  JsonCursor cursor(line);
  if (!cursor.take('{')) return false;
  std::string buffer;
  std::string_view text;
  if (cursor.take('}')) return cursor.at_end();
  do {
    Token name, value;
    if (!cursor.value(name) || name.kind != TokenKind::kString || !cursor.take(':') || !cursor.value(value))
      return false;
    if (name.raw == "\"record\"") parts.record = value.raw;
    if ((name.raw != "\"type\"" && name.raw != "\"stream\"") || value.kind != TokenKind::kString) continue;
    if (!text_of(value, buffer, text)) return false;
    (name.raw == "\"type\"" ? parts.type : parts.stream) = text;
  } while (cursor.take(','));
  return cursor.take('}') && cursor.at_end();
}

}  // namespace

Error Messages::garbage(std::string_view line, const std::string& why) const {
  std::string shown = printable_line(line.substr(0, kShownBytes));
  if (line.size() > kShownBytes) shown += "…";
  return Error(Code::kStepFailed,
               "line " + std::to_string(lines_) + " of the tap's output " + why + ": " +
                   program::renamed(shown, options_.secrets),
               "A tap writes messages on stdout and everything else on stderr.", category::kExtractSchemaMismatch);
}

bool Messages::feed(std::string_view bytes) {
  if (error_) return false;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      rest_ += bytes;
      if (rest_.size() > kLineBytesMax) error_ = garbage(rest_, "has more than 256 MiB");
      return !error_;
    }
    Status status;
    if (rest_.empty()) {
      status = line(bytes.substr(0, end));
    } else {
      rest_ += bytes.substr(0, end);
      status = line(rest_);
      rest_.clear();
    }
    if (!status.ok()) {
      error_ = status.error();
      return false;
    }
    bytes.remove_prefix(end + 1);
  }
  return true;
}

Status Messages::line(std::string_view line) {
  ++lines_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (trim(line).empty()) return {};
  return message(line);
}

Status Messages::message(std::string_view line) {
  Parts parts;
  if (!parts_of(line, parts)) return garbage(line, "is no message");
  if (parts.type == "RECORD") {
    if (parts.stream != options_.stream) {
      if (others_.insert(parts.stream).second)
        step_.log("records of stream '" + printable_line(parts.stream) + "' are left out: the step reads one");
      return {};
    }
    if (!records_) return garbage(line, "is a record before the schema of its stream");
    return records_->add(parts.record);
  }
  if (parts.type == "ACTIVATE_VERSION") return {};
  if (parts.type != "SCHEMA" && parts.type != "STATE") return garbage(line, "is no message that is known here");
  auto json = parse_json(line);
  if (!json.ok()) return garbage(line, "is no message, " + json.error().message);
  return parts.type == "STATE" ? state(*json) : schema(*json);
}

Status Messages::schema(const Json& message) {
  if (message["stream"].as_string() != options_.stream) {
    others_.insert(message["stream"].as_string());
    return {};
  }
  if (records_ && schema_ == message["schema"]) return {};
  if (records_ && records_->rows() > 0)
    return Error(Code::kStepFailed,
                 "the tap changed the schema of stream '" + options_.stream + "' after " +
                     std::to_string(records_->rows()) + " records",
                 "Records of two schemas do not make one table: read them in two runs.",
                 category::kExtractSchemaMismatch);
  OSIRIS_ASSIGN(std::vector<Column> columns, columns_of(message["schema"], options_.select, options_.numbers));
  records_ = std::make_unique<Records>(step_, std::move(columns));
  schema_ = message["schema"];
  return {};
}

Status Messages::state(const Json& message) {
  if (!message["value"].is_object())
    return Error(Code::kStepFailed, "the tap's state is no object: " + message["value"].dump().substr(0, kShownBytes),
                 "", category::kExtractSchemaMismatch);
  state_ = message["value"];
  return {};
}

Result<std::unique_ptr<Records>> Messages::finish() {
  if (error_) return *error_;
  if (!rest_.empty()) return garbage(rest_, "has no end");
  if (!records_) {
    std::vector<std::string> names(others_.begin(), others_.end());
    return Error(
        Code::kStepFailed, "the tap sent nothing of stream '" + options_.stream + "'",
        names.empty() ? "Look into the run's osiris.log for what it said." : "It sent " + join(names, ", ") + ".",
        category::kExtractNoData);
  }
  OSIRIS_TRY(records_->settle());
  if (state_) OSIRIS_TRY(step_.set_state(*state_));
  return std::move(records_);
}

}  // namespace osiris::worker::singer
