// Nested values as JSON. DuckDB's to_json() does it, but writes a FLOAT with the digits of the double it is turned into
// (0.10000000149011612), and NaN and infinity as words that JSON does not have.
#pragma once

#include <duckdb.h>

#include <string>
#include <string_view>

namespace osiris::worker::csv_out {

// The SQL that turns `column` (a quoted name) of this nested type into JSON text, but for the words below.
std::string json_expression(const std::string& column, duckdb_logical_type type);

// Appends the text of json_expression(): NaN becomes null, as a NaN of its own is an empty field. False when it holds
// an infinity.
bool append_json(std::string_view text, std::string& out);

}  // namespace osiris::worker::csv_out
