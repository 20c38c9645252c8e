// The lines to the step's output relation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/drivers/filesystem.json_extractor/columns.h"

namespace osiris::worker::json_in {

// The lines, and where their records came from.
struct Lines {
  std::string file;
  std::string reader;  // the table function that reads it (line_reader.h)
  size_t longest_bytes = 0;
  uint64_t records = 0;
  std::vector<std::pair<std::string, uint64_t>> first_records;  // of each file, counted over all, from 0
};

// A SELECT of the records.
std::string select_of(const Lines& lines, const std::vector<Column>& columns);

// An error, with file, record, column and value, where a value is not of its declared type.
Status check_declared(StepContext& step, const Lines& lines, const std::vector<Column>& columns);

// Makes output_table(). A value that is not of its declared type is an error with file, record, column and value.
Status create_relation(StepContext& step, const Lines& lines, const std::vector<Column>& columns);

}  // namespace osiris::worker::json_in
