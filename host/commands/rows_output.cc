#include "host/commands/rows_output.h"

#include <unistd.h>

#include <cerrno>

#include "host/commands/look.h"
#include "host/display/format.h"
#include "protocol/base/copy_file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTableRowsMax = 10'000;

}  // namespace

void add_rows_options(CLI::App& command, RowsOptions& options) {
  command.add_option("--limit", options.limit, "at most this many rows; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--format", options.format, "table (the default), csv, json or parquet")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}))
      ->type_name("NAME");
  command.add_option("-o,--output", options.output, "write csv, json or parquet there; - is standard output")
      ->type_name("FILE");
}

Status RowsOutput::check() const {
  const auto wrong = [](std::string message, std::string hint) {
    return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
  };
  if (is_table() && !options_.output.empty())
    return wrong("a table is for people, and -o is for files", "--format csv");
  if (is_table() && limit_ > kTableRowsMax)
    return wrong("a table shows at most " + format_count(kTableRowsMax) + " rows", "--format csv, json or parquet");
  if (!is_table() && context_.json && !goes_to_a_file())
    return wrong("--format " + options_.format + " and --json both take standard output",
                 "-o FILE, or leave one of them out");
  if (options_.format == "parquet" && !goes_to_a_file() && ::isatty(context_.out.fd))
    return wrong("Parquet is nothing for a terminal", "-o rows.parquet");
  return {};
}

void RowsOutput::add_to(LookPlan& plan, std::string from, const fs::path& scratch) {
  made_ = scratch / ("rows." + (is_table() ? std::string("json") : options_.format));
  if (is_table()) {
    plan.add_preview(from, limit_ ? limit_ : kTableRowsMax, made_);
    return;
  }
  if (limit_) from = plan.add_query({from}, "SELECT * FROM input_df LIMIT " + std::to_string(limit_));
  Json config = Json::object();
  if (options_.format == "csv") config.set("column_order", "query");
  plan.add_writer(from, "filesystem." + options_.format + "_writer", std::move(config), made_);
}

Result<Json> RowsOutput::preview() const { return read_answer(made_); }

Status RowsOutput::deliver() const { return goes_to_a_file() ? copy_to_file() : copy_to_output(); }

void RowsOutput::describe(Json& document) const {
  std::error_code code;
  document.set("format", options_.format);
  document.set("file", file().string());
  document.set("size_bytes", uint64_t{fs::file_size(file(), code)});
}

Status RowsOutput::copy_to_file() const {
  ReplacingFile made(file());
  OSIRIS_TRY(made.open(true));
  OSIRIS_TRY(copy_into(made_, made));
  return made.commit();
}

// A program gets the bytes, a person what a terminal can show.
Status RowsOutput::copy_to_output() const {
  return read_in_pieces(made_, [&](std::string_view piece) -> Status {
    if (::isatty(context_.out.fd)) {
      print_out(context_, piece);
    } else if (const int failed = write_text(context_.out.fd, piece); failed && failed != EPIPE) {
      context_.output_error = failed;
    }
    return {};
  });
}

}  // namespace osiris
