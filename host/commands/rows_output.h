// Rows that a command was asked for, on their way to a person or into a file: --limit, --format and -o, as `show` and
// `sql` have them.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "host/commands/context.h"
#include "host/inspection/look_plan.h"

namespace osiris {

struct RowsOptions {
  std::string format = "table", output;
  std::optional<uint64_t> limit;  // 0: all
};
void add_rows_options(CLI::App& command, RowsOptions& options);

class RowsOutput {
 public:
  static constexpr uint64_t kTableRows = 20;  // unless --limit says otherwise

  // `limit`: of files, unless --limit says otherwise; 0: all. The file that a plan makes is in `scratch`.
  RowsOutput(const CommandContext& context, const RowsOptions& options, uint64_t limit)
      : context_(context), options_(options), limit_(options.limit.value_or(is_table() ? kTableRows : limit)) {}

  bool is_table() const { return options_.format == "table"; }
  // kInvalidArgument where the words do not go together.
  Status check() const;

  // Adds the step that makes them of the rows of `from`, in a file of `scratch`.
  void add_to(LookPlan& plan, std::string from, const std::filesystem::path& scratch);

  // Once the plan has run, of a table: the document of the step (worker/drivers/preview/preview.h).
  Result<Json> preview() const;
  // Of the others: takes the file to where it is wanted.
  Status deliver() const;
  // What it came to, for --json: format, file, size.
  void describe(Json& document) const;

 private:
  bool goes_to_a_file() const { return !options_.output.empty() && options_.output != "-"; }
  std::filesystem::path file() const { return (context_.cwd / options_.output).lexically_normal(); }
  Status copy_to_file() const;
  Status copy_to_output() const;

  const CommandContext& context_;
  const RowsOptions& options_;
  const uint64_t limit_;
  std::filesystem::path made_;  // what the plan writes
};

}  // namespace osiris
