#include "worker/drivers/postgres.writer/copied_rows.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/categories.h"
#include "worker/drivers/db/json_form.h"
#include "worker/drivers/postgres.writer/xml_form.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

Error unreadable() {
  return Error(Code::kStepFailed, "PostgreSQL write failed: the rows that were read back are no binary COPY",
               "check what is between here and the server", category::kWriteFailed);
}

std::string_view without_blanks(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

constexpr size_t kNumericBytes = 64;  // most have less

// The form that all bytes of one numeric have; returns its length, which is at most that of the value.
size_t put_numeric_form(char* form, std::string_view value) {
  const auto put = [&form, begin = form](std::string_view bytes) {
    std::memcpy(form, bytes.data(), bytes.size());
    form += bytes.size();
    return static_cast<size_t>(form - begin);
  };
  if (value.size() < 8) return put(value);
  const auto sign = read_big<uint16_t>(value.data() + 4);
  // NaN and the infinities.
  if ((sign & kNumericNan) == kNumericNan) return put(value.substr(4, 2));
  auto weight = int32_t{read_big<int16_t>(value.data() + 2)};
  std::string_view digits = value.substr(8);
  while (digits.size() >= 2 && read_big<int16_t>(digits.data()) == 0) digits.remove_prefix(2), --weight;
  while (digits.size() >= 2 && read_big<int16_t>(digits.data() + digits.size() - 2) == 0) digits.remove_suffix(2);
  if (digits.empty()) return put("0");
  put(sign == kNumericNegative ? "-" : "+");
  put({reinterpret_cast<const char*>(&weight), sizeof weight});
  return put(digits);
}

bool has_forms(Oid type) { return type == kNumericOid || type == kBpcharOid || type == kJsonbOid || type == kXmlOid; }

std::string one_form(Oid type, std::string_view value) {
  switch (type) {
    case kNumericOid:
      return canonical_numeric(value);
    case kJsonbOid:
      // Its first byte is the version of its form.
      return value.empty() ? std::string() : value[0] + db::canonical_json(value.substr(1));
    case kXmlOid:
      return canonical_xml(value);
    default:
      return std::string(without_blanks(value));
  }
}

// The head of a list as it is (its dimensions, its items' type, each dimension's length and first index), then each
// item in one form.
std::string list_form(Oid item, std::string_view list) {
  const size_t head = 12 + (list.size() < 4 ? 0 : static_cast<size_t>(read_big<int32_t>(list.data())) * 8);
  if (list.size() < head) return std::string(list);
  std::string form(list.substr(0, head));
  for (size_t at = head; at + 4 <= list.size();) {
    const auto size = read_big<int32_t>(list.data() + at);
    form += list.substr(at, 4).substr(0, size < 0 ? 4 : 0);
    at += 4;
    if (size < 0) continue;
    const std::string value = one_form(item, list.substr(at, static_cast<size_t>(size)));
    form += std::to_string(value.size()) + ":" + value;
    at += static_cast<size_t>(size);
  }
  return form;
}

}  // namespace

CopiedRows::CopiedRows(const std::vector<ColumnPlan>& plans) : plans_(plans), sizes_(plans.size()), sum_(plans.size()) {
  for (const ColumnPlan& plan : plans) has_forms_.push_back(has_forms(plan.value_type));
}

std::string canonical_numeric(std::string_view value) {
  std::string form(value.size(), '\0');
  form.resize(put_numeric_form(form.data(), value));
  return form;
}

void CopiedRows::add_value(const ColumnPlan& plan, std::string_view value) {
  if (plan.value_type == kNumericOid && !plan.is_list() && value.size() <= kNumericBytes) {
    char form[kNumericBytes];
    return sum_.add({form, put_numeric_form(form, value)});
  }
  if (plan.value_type == kBpcharOid && !plan.is_list()) return sum_.add(without_blanks(value));
  sum_.add(plan.is_list() ? list_form(plan.value_type, value) : one_form(plan.value_type, value));
}

size_t CopiedRows::row_size(std::string_view bytes) {
  size_t at = 2;
  for (int32_t& size : sizes_) {
    if (bytes.size() < at + 4) return 0;
    size = read_big<int32_t>(bytes.data() + at);
    at += 4 + static_cast<size_t>(std::max(size, 0));
  }
  return bytes.size() < at ? 0 : at;
}

// Values that have one form only are hashed where they stand, with the lengths between them.
void CopiedRows::add_row(const char* row) {
  const char* run = row + 2;
  const char* at = run;
  for (size_t i = 0; i < sizes_.size(); ++i) {
    at += 4;
    if (sizes_[i] < 0) {
      sum_.add_null_to_column();
      continue;
    }
    const std::string_view value(at, static_cast<size_t>(sizes_[i]));
    at += value.size();
    if (!has_forms_[i]) {
      sum_.add_to_column(value);
      continue;
    }
    sum_.add_bytes({run, static_cast<size_t>(value.data() - 4 - run)});
    add_value(plans_[i], value);
    run = at;
  }
  sum_.add_bytes({run, static_cast<size_t>(at - run)});
  sum_.end_row();
}

Status CopiedRows::add(std::string_view rows) {
  while (!rows.empty()) {
    const size_t size = row_size(rows);
    if (size == 0) return unreadable();
    add_row(rows.data());
    rows.remove_prefix(size);
  }
  return {};
}

Result<size_t> CopiedRows::take(std::string_view bytes) {
  const size_t all = bytes.size();
  if (!has_header_ && bytes.size() >= kCopyHeaderBytes) {
    if (!bytes.starts_with(std::string_view(kCopySignature, kCopySignatureBytes))) return unreadable();
    bytes.remove_prefix(kCopyHeaderBytes);
    has_header_ = true;
  }
  while (has_header_ && !is_ended_ && bytes.size() >= 2) {
    const auto columns = read_big<int16_t>(bytes.data());
    is_ended_ = columns == -1;
    if (is_ended_) return all;
    if (columns != static_cast<int16_t>(plans_.size())) return unreadable();
    const size_t size = row_size(bytes);
    if (size == 0) break;
    add_row(bytes.data());
    bytes.remove_prefix(size);
  }
  return is_ended_ ? all : all - bytes.size();
}

}  // namespace osiris::worker::postgres
