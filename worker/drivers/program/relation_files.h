// Relations to files for the script, and the script's file back to a relation. All of it on the step's trusted
// connection and on files of the step's own scratch directory; names that come from data are quoted, types are checked
// against a list (options.cc), and the output is opened once and read through that descriptor, so that what was checked
// is what is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/program/contract.h"

namespace osiris::worker::program {

struct InputFile {
  std::string name;  // of the relation, "df_read_people"
  std::string from_step;
  std::filesystem::path path;
  uint64_t rows = 0;
  Json columns;  // [{"name","type"}], and "file_type" where the file keeps it as another one
};

// Writes every input of the step to <directory>/<name><suffix>, each value exactly (driver_api/file_columns.h).
Result<std::vector<InputFile>> export_inputs(StepContext& step, const Contract& contract,
                                             const std::filesystem::path& directory);

// Makes output_table() of the file the script wrote; returns its rows. Without `columns` Parquet says its own types
// (those of an input it was copied from, where it was), the others are looked through whole: numbers and booleans as
// such, everything else text.
Result<uint64_t> import_output(StepContext& step, const Contract& contract, const std::filesystem::path& file);

// Makes output_table() without rows, of the declared `columns`. kUnsupported without: only a run can tell them.
Status declare_output(StepContext& step, const Contract& contract);

// What such a step moved: its inputs' rows, or without inputs those it took in from wherever the program got them.
StepOutcome outcome_of(const StepContext& step, uint64_t rows);

}  // namespace osiris::worker::program
