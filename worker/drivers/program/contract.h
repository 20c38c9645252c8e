// What a step and the program it runs agree on, whatever the program is written in: the form of the files between them,
// what is beside it, what it is told (docs/drivers/python.md has the contract).
//
// The host has checked the config against the spec; a worker takes plans from others too, so what would be dangerous if
// it were wrong (types that become SQL) is checked again.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::program {

enum class Format { kParquet, kCsv, kNdjson };
std::string_view format_name(Format format);
std::string_view file_suffix(Format format);  // ".parquet"

struct Contract {
  std::string name;                // of the program, for messages: "score.py", "the step's code"
  std::string kind = "program";    // "script"
  std::vector<std::string> files;  // paths of the pipeline that are beside it
  Json params = Json::object();
  Format format = Format::kParquet;
  std::vector<std::pair<std::string, std::string>> columns;  // name and type; empty: as the file says
};

// `files`, `params`, `format` and `columns`. kInvalidArgument with the key's name.
Status read_contract(const Json& config, Contract& contract);

// The items of a list as texts, numbers as JSON spells them; kInvalidArgument for one with a NUL byte.
Result<std::vector<std::string>> read_texts(const Json& config, std::string_view key);

Error bad_config(std::string_view key, std::string_view why, std::string_view hint = {});

}  // namespace osiris::worker::program
