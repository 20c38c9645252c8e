#include "worker/drivers/supabase.extractor/selection.h"

#include "protocol/base/text.h"

namespace osiris::worker::supabase {
namespace {

// The place of `what` outside double quotes; npos: none.
size_t find_outside(std::string_view text, std::string_view what) {
  bool is_quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && is_quoted)
      ++at;
    else if (text[at] == '"')
      is_quoted = !is_quoted;
    else if (!is_quoted && text.substr(at).starts_with(what))
      return at;
  }
  return std::string_view::npos;
}

SelectedColumn read_column(std::string_view text) {
  SelectedColumn selected;
  selected.is_plain =
      find_outside(text, "->") == std::string_view::npos && find_outside(text, "(") == std::string_view::npos;
  std::string_view rest = text;
  if (const size_t cast = find_outside(rest, "::"); cast != std::string_view::npos) {
    selected.cast = trim(rest.substr(cast + 2));
    rest = rest.substr(0, cast);
  }
  const size_t colon = find_outside(rest, ":");
  selected.column = unquoted(trim(colon == std::string_view::npos ? rest : rest.substr(colon + 1)));
  selected.name = colon == std::string_view::npos ? selected.column : unquoted(trim(rest.substr(0, colon)));
  return selected;
}

}  // namespace

std::vector<std::string> split_outside(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  bool is_quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') is_quoted = !is_quoted;
    if (!is_quoted) depth += c == '(' || c == '{' ? 1 : c == ')' || c == '}' ? -1 : 0;
    if (c == separator && !is_quoted && depth == 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
    if (c == '\\' && is_quoted && at + 1 < text.size()) parts.back() += text[++at];
  }
  return parts;
}

std::vector<SelectedColumn> read_select(std::string_view select) {
  std::vector<SelectedColumn> columns;
  for (const std::string& part : split_outside(select, ',')) columns.push_back(read_column(trim(part)));
  return columns;
}

std::string unquoted(std::string_view name) {
  if (name.size() < 2 || !name.starts_with('"') || !name.ends_with('"')) return std::string(name);
  std::string plain;
  for (size_t at = 1; at + 1 < name.size(); ++at) {
    if (name[at] == '\\' && at + 2 < name.size()) ++at;
    plain += name[at];
  }
  return plain;
}

}  // namespace osiris::worker::supabase
