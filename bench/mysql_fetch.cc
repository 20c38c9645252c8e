// mysql_fetch HOST PORT DATABASE USER PASSWORD QUERY
//
// The baseline of the MySQL row: how quickly Connector/C alone can fetch QUERY over the binary protocol. A prepared
// statement, every column bound to a buffer of its own type, rows fetched one after another and thrown away. Prints
// {"rows":N,"seconds":S,"rows_per_second":R}; the clock starts when the statement is executed.
#include <mysql.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void give_up(const char* what, const char* why) {
  std::fprintf(stderr, "mysql_fetch: %s: %s\n", what, why);
  std::exit(1);
}

// A buffer as Connector/C's manual has it: numbers and times in their own form, everything else as bytes.
struct Column {
  union {
    long long number;
    double real;
    float small_real;
    MYSQL_TIME time;
  } value;
  std::vector<char> text;
  unsigned long length = 0;
  my_bool is_null = 0;
  my_bool is_cut = 0;

  void bind(const MYSQL_FIELD& field, MYSQL_BIND& bind) {
    bind.buffer_type = field.type;
    bind.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    bind.buffer = &value;
    bind.buffer_length = sizeof value;
    switch (field.type) {
      case MYSQL_TYPE_TINY:
      case MYSQL_TYPE_SHORT:
      case MYSQL_TYPE_YEAR:
      case MYSQL_TYPE_INT24:
      case MYSQL_TYPE_LONG:
      case MYSQL_TYPE_LONGLONG:
      case MYSQL_TYPE_FLOAT:
      case MYSQL_TYPE_DOUBLE:
      case MYSQL_TYPE_DATE:
      case MYSQL_TYPE_DATETIME:
      case MYSQL_TYPE_TIMESTAMP:
      case MYSQL_TYPE_TIME:
        break;
      default:
        text.resize(field.length < 65536 ? field.length + 1 : 65536);
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = text.data();
        bind.buffer_length = text.size();
    }
    bind.length = &length;
    bind.is_null = &is_null;
    bind.error = &is_cut;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: mysql_fetch HOST PORT DATABASE USER PASSWORD QUERY\n");
    return 2;
  }
  MYSQL* mysql = mysql_init(nullptr);
  const unsigned tcp = MYSQL_PROTOCOL_TCP;
  mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp);
  mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (!mysql_real_connect(mysql, argv[1], argv[4], argv[5], argv[3], static_cast<unsigned>(std::atoi(argv[2])), nullptr,
                          0)) {
    give_up("connect", mysql_error(mysql));
  }
  MYSQL_STMT* statement = mysql_stmt_init(mysql);
  if (mysql_stmt_prepare(statement, argv[6], std::strlen(argv[6]))) give_up("prepare", mysql_stmt_error(statement));

  const auto start = std::chrono::steady_clock::now();
  if (mysql_stmt_execute(statement)) give_up("execute", mysql_stmt_error(statement));
  const unsigned count = mysql_stmt_field_count(statement);
  const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement);
  std::vector<Column> columns(count);
  std::vector<MYSQL_BIND> binds(count, MYSQL_BIND{});
  for (unsigned i = 0; i < count; ++i) columns[i].bind(fields[i], binds[i]);
  if (mysql_stmt_bind_result(statement, binds.data())) give_up("bind", mysql_stmt_error(statement));
  unsigned long long rows = 0;
  int outcome = 0;
  while ((outcome = mysql_stmt_fetch(statement)) == 0 || outcome == MYSQL_DATA_TRUNCATED) ++rows;
  if (outcome != MYSQL_NO_DATA) give_up("fetch", mysql_error(mysql));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  std::printf("{\"rows\":%llu,\"seconds\":%.6f,\"rows_per_second\":%.0f}\n", rows, seconds,
              static_cast<double>(rows) / seconds);
  mysql_stmt_close(statement);
  mysql_close(mysql);
  return 0;
}
