#include "host/pages/preview.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string_view>

#include "host/run/masking.h"
#include "host/run/recorded_output.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRowsMax = 10, kColumnsMax = 12, kCellBytesMax = 120;
constexpr size_t kBytesRead = 256u << 10;  // of the file's beginning

std::string cell(std::string_view text) {
  size_t end = std::min(text.size(), kCellBytesMax);
  const bool is_cut = end < text.size();
  while (is_cut && end > 0 && continues_utf8(text[end])) --end;
  return mask_shapes(text.substr(0, end)) + (is_cut ? "…" : "");
}

// Records of CSV text, as the writer quotes them: a quote in quotes is doubled. A record that the text's end cuts off
// is none, unless it is the file's end too.
class CsvRecords {
 public:
  CsvRecords(std::string_view text, char delimiter, bool is_whole)
      : text_(text), delimiter_(delimiter), is_whole_(is_whole) {}

  std::optional<std::vector<std::string>> next() {
    if (at_ >= text_.size()) return std::nullopt;
    std::vector<std::string> record(1);
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted ? c == '"' : c == '"' && record.back().empty()) {
        const bool doubled = quoted && at_ + 1 < text_.size() && text_[at_ + 1] == '"';
        if (doubled)
          record.back() += text_[at_++];
        else
          quoted = !quoted;
      } else if (!quoted && c == delimiter_) {
        record.emplace_back();
      } else if (!quoted && (c == '\n' || c == '\r')) {
        at_ += c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
        return record;
      } else {
        record.back() += c;
      }
    }
    return is_whole_ ? std::optional(record) : std::nullopt;
  }

 private:
  std::string_view text_;
  const char delimiter_;
  const bool is_whole_;
  size_t at_ = 0;
};

void add_row(Preview& preview, const std::vector<std::string>& record) {
  std::vector<std::string> row;
  for (size_t i = 0; i < std::min(record.size(), kColumnsMax); ++i) row.push_back(cell(record[i]));
  row.resize(preview.columns.size());
  preview.rows.push_back(std::move(row));
}

void set_columns(Preview& preview, const std::vector<std::string>& names) {
  for (size_t i = 0; i < std::min(names.size(), kColumnsMax); ++i) preview.columns.push_back(cell(names[i]));
  preview.columns_left_out = names.size() - preview.columns.size();
}

Preview csv_preview(std::string_view text, const Json& config, const std::string& suffix, bool is_whole) {
  const std::string& written = config["delimiter"].as_string();
  const char delimiter = !written.empty() ? written[0] : suffix == ".tsv" ? '\t' : ',';
  CsvRecords records(text, delimiter, is_whole);
  Preview preview;
  while (preview.rows.size() < kRowsMax) {
    auto record = records.next();
    if (!record) break;
    if (preview.columns.empty()) {
      std::vector<std::string> names = *record;
      const bool has_header = config["header"].as_bool(true);
      if (!has_header)
        for (size_t i = 0; i < names.size(); ++i) names[i] = "column " + std::to_string(i + 1);
      set_columns(preview, names);
      if (has_header) continue;
    }
    add_row(preview, *record);
  }
  return preview;
}

// Records a line each: JSON lines, and an array of records as osiris writes it.
Preview json_preview(std::string_view text) {
  Preview preview;
  std::vector<std::string> names;
  for (const std::string& raw : split(text, '\n')) {
    std::string_view line = trim(raw);
    if (line.starts_with('[')) line.remove_prefix(1);
    while (line.ends_with(',') || line.ends_with(']')) line.remove_suffix(1);
    if (trim(line).empty()) continue;
    const auto record = parse_json(line);
    if (!record.ok() || !record->is_object() || preview.rows.size() >= kRowsMax) break;
    if (preview.columns.empty()) {
      for (const auto& [key, value] : record->members()) names.push_back(key);
      set_columns(preview, names);
    }
    std::vector<std::string> row;
    for (const std::string& name : names) {
      const Json& value = (*record)[name];
      row.push_back(value.is_null() ? "" : value.is_string() ? value.as_string() : value.dump());
    }
    add_row(preview, row);
  }
  return preview;
}

Preview none(std::string because) {
  Preview preview;
  preview.none_because = std::move(because);
  return preview;
}

}  // namespace

Preview preview_of(const Artifact& file, const Json& config, uint64_t hash_bytes_max) {
  const std::string suffix = ascii_lower(fs::path(file.path).extension().string());
  const bool is_csv = suffix == ".csv" || suffix == ".tsv" || suffix == ".txt";
  if (!is_csv && suffix != ".json" && suffix != ".jsonl" && suffix != ".ndjson")
    return none("only CSV and JSON files are shown here");
  if (std::string why = why_not_as_written(file, hash_bytes_max); !why.empty()) return none(std::move(why));
  std::ifstream in(file.target, std::ios::binary);
  std::string text(kBytesRead, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  Preview preview = is_csv ? csv_preview(text, config, suffix, text.size() == file.size_bytes) : json_preview(text);
  if (preview.columns.empty()) return none("no whole record is in its first bytes");
  if (preview.rows.empty()) preview.none_because = "it has no rows";
  return preview;
}

}  // namespace osiris
