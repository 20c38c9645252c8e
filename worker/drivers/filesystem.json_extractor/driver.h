// filesystem.json_extractor: records of JSON files become the step's output relation. Every byte is read once by us and
// then by DuckDB:
//
//   record_source.h  files to records: arrays, one record, lines; compressed or not
//   record.h         one record, checked strictly, its shape added to that of all
//   shape.h          what the values of a key are in all records, and the one type that holds them
//   record_lines.h   the records as lines of a file in the step's scratch directory, values that no JSON number or
//                    nested type keeps as text
//   relation.h       that file to a table, by DuckDB's reader with types of ours
//
// DuckDB's own look at a file samples, takes text that looks like dates for dates, rounds numbers of many digits and
// lets the last of two equal keys win; here nothing is guessed and nothing lost.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_json_extractor();

}  // namespace osiris::worker
