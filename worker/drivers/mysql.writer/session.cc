#include "worker/drivers/mysql.writer/session.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/mysql/wait_scope.h"

namespace osiris::worker::mysql {
namespace {

constexpr size_t kLoadBytes = size_t{8} << 20;

// What the library asks for data while a LOAD DATA LOCAL runs, whatever file the server names.
struct Offer {
  std::string_view rest;
};
int begin_offer(void** state, const char*, void* offer) {
  *state = offer;
  return 0;
}
int read_offer(void* state, char* buffer, unsigned size) {
  auto& rest = static_cast<Offer*>(state)->rest;
  const size_t count = std::min<size_t>(size, rest.size());
  std::memcpy(buffer, rest.data(), count);
  rest.remove_prefix(count);
  return static_cast<int>(count);
}
void end_offer(void*) {}
int offer_error(void*, char* text, unsigned size) {
  if (size > 0) text[0] = '\0';
  return 0;
}

// "... at row 3": 3.
uint64_t row_in(const std::string& text) {
  const size_t at = text.find("at row ");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 7, nullptr, 10);
}

std::string with_row(const std::string& where, const std::string& text, uint64_t before) {
  const uint64_t row = row_in(text);
  return row == 0 ? where : where + ", row " + std::to_string(before + row);
}

// The beginning of a statement, before the rows.
std::string insertion(const std::string& table, const std::vector<ColumnPlan>& plans) {
  std::vector<std::string> names;
  for (const ColumnPlan& plan : plans) names.push_back(plan.target);
  return "INSERT INTO " + table + " (" + quoted_list(names) + ") VALUES ";
}

}  // namespace

std::string quoted_list(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(quote_identifier(name));
  return join(quoted, ", ");
}

std::string quote_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

Result<std::unique_ptr<Session>> Session::open(const ServerSettings& server, const CallContext& call) {
  std::unique_ptr<Session> session(new Session(server, call));
  OSIRIS_ASSIGN(session->connection_, Connection::open(server, call, true));
  OSIRIS_TRY(session->connection_->prepare_writing(server, call));
  OSIRIS_TRY(session->probe());
  return session;
}

Status Session::probe() {
  OSIRIS_ASSIGN(const auto allowed, ask("SELECT @@local_infile, @@max_allowed_packet"));
  if (allowed.empty()) return {};
  if (allowed[0][0].value_or("0") != "0") {
    form_ = RowForm::kLines;
    bytes_max_ = kLoadBytes;
    return {};
  }
  const size_t packet = std::strtoull(allowed[0][1].value_or("0").c_str(), nullptr, 10);
  bytes_max_ = std::clamp<size_t>(packet / 4, 4096, size_t{1} << 20);
  // What kind of packet it is, the end of the row, and one that the server keeps for itself.
  constexpr size_t kOtherBytes = 3;
  if (packet > kOtherBytes) statement_bytes_max_ = packet - kOtherBytes;
  return {};
}

// A larger statement ends the connection, most often before the server's answer is read.
size_t Session::row_bytes_max(const std::string& table, const std::vector<ColumnPlan>& plans) const {
  if (statement_bytes_max_ == SIZE_MAX) return SIZE_MAX;
  const size_t head = insertion(table, plans).size();
  return statement_bytes_max_ > head ? statement_bytes_max_ - head : 0;
}

Result<std::vector<Row>> Session::ask(const std::string& sql, const std::string& where) {
  const WaitScope scope(*call_.deadline);
  MYSQL* mysql = connection_->handle();
  if (call_.echo) call_.echo(sql);
  std::vector<Row> rows;
  if (mysql_real_query(mysql, sql.data(), sql.size()) == 0) {
    MYSQL_RES* result = mysql_store_result(mysql);
    if (!result && mysql_field_count(mysql) == 0) return rows;
    while (result) {
      const MYSQL_ROW row = mysql_fetch_row(result);
      if (!row) break;
      const unsigned long* sizes = mysql_fetch_lengths(result);
      rows.emplace_back();
      for (unsigned i = 0; i < mysql_num_fields(result); ++i)
        rows.back().push_back(row[i] ? std::optional(std::string(row[i], sizes[i])) : std::nullopt);
    }
    if (result) {
      mysql_free_result(result);
      return rows;
    }
  }
  error_ = last_error(mysql);
  return write_error(call_.step_id, server_, error_, *call_.deadline, where);
}

Status Session::read(const std::string& sql, const TakeRow& take) {
  const WaitScope scope(*call_.deadline);
  MYSQL* mysql = connection_->handle();
  if (call_.echo) call_.echo(sql);
  MYSQL_RES* result = mysql_real_query(mysql, sql.data(), sql.size()) == 0 ? mysql_use_result(mysql) : nullptr;
  while (result) {
    const MYSQL_ROW row = mysql_fetch_row(result);
    if (!row) break;
    take(row, mysql_fetch_lengths(result));
  }
  const bool is_whole = result && mysql_errno(mysql) == 0;
  if (!is_whole) error_ = last_error(mysql);
  if (result) mysql_free_result(result);
  return is_whole ? Status() : Status(write_error(call_.step_id, server_, error_, *call_.deadline, {}));
}

Status Session::run(const std::string& sql, const std::string& where) {
  const auto rows = ask(sql, where);
  return rows.ok() ? Status() : Status(rows.error());
}

Status Session::load_rows(const std::string& table, const std::vector<ColumnPlan>& plans, const std::string& text,
                          uint64_t rows, uint64_t before, const std::string& where) {
  const WaitScope scope(*call_.deadline);
  MYSQL* mysql = connection_->handle();
  std::vector<std::string> variables, unhexed;
  for (const ColumnPlan& plan : plans) {
    const bool is_bytes = plan.check == Check::kBytes;
    variables.push_back(is_bytes ? "@osiris" + std::to_string(variables.size() + 1) : quote_identifier(plan.target));
    if (is_bytes) unhexed.push_back(quote_identifier(plan.target) + " = UNHEX(" + variables.back() + ")");
  }
  std::string sql;
  Offer offer{text};
  if (form_ == RowForm::kValues) {
    sql = insertion(table, plans).append(text, 0, text.size() - 1);
  } else {
    mysql_set_local_infile_handler(mysql, begin_offer, read_offer, end_offer, offer_error, &offer);
    sql = "LOAD DATA LOCAL INFILE 'osiris' INTO TABLE " + table +
          " CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (" +
          join(variables, ", ") + ")" + (unhexed.empty() ? "" : " SET " + join(unhexed, ", "));
  }
  if (mysql_real_query(mysql, sql.data(), sql.size()) != 0) {
    error_ = last_error(mysql);
    return write_error(call_.step_id, server_, error_, *call_.deadline, with_row(where, error_.text, before));
  }
  return judge(rows, before, where);
}

Status Session::judge(uint64_t rows, uint64_t before, const std::string& where) {
  MYSQL* mysql = connection_->handle();
  const uint64_t held = mysql_affected_rows(mysql);
  if (mysql_warning_count(mysql) > 0) {
    OSIRIS_ASSIGN(const auto warnings, ask("SHOW WARNINGS LIMIT 1"));
    if (!warnings.empty()) {
      const std::string text = warnings[0][2].value_or("");
      return Error(Code::kStepFailed,
                   "MySQL write failed" + with_row(where, text, before) + ": " + text + " (" +
                       warnings[0][0].value_or("") + " " + warnings[0][1].value_or("") + ")",
                   "the server would leave the row out or change the value: CAST or filter it in the step before",
                   category::kWriteFailed);
    }
  }
  if (held != rows)
    return Error(Code::kStepFailed,
                 "MySQL write failed" + where + ": the server took " + std::to_string(held) + " of " +
                     std::to_string(rows) + " rows after row " + std::to_string(before),
                 "look for triggers of the table", category::kWriteFailed);
  return {};
}

}  // namespace osiris::worker::mysql
