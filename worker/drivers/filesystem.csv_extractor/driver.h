// filesystem.csv_extractor: a CSV file becomes the step's output relation, read as pandas.read_csv reads it (types from
// the whole column, null words, header and bad-line rules). docs/compatibility.md lists the intended differences.
//
// Two ways in, one result. Large plain files go through DuckDB's parallel CSV reader (direct_load.h) as text and are
// converted by functions of ours, because DuckDB's own casts would round 1.5 to 2 in a column that began with integers.
// Everything else, and everything DuckDB refuses, goes through our tokenizer (staged_load.h), whose word is final.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_csv_extractor();

}  // namespace osiris::worker
