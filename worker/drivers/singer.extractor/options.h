// The step's config and its connection, checked.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/program/contract.h"
#include "worker/drivers/program/output_lines.h"
#include "worker/drivers/singer.extractor/schema.h"

namespace osiris::worker::singer {

struct Options {
  std::string tap, stream, python = "python3";
  std::vector<std::string> requirements;  // sorted, each once
  program::Contract contract;             // the tap's name, and `files`
  Json config = Json::object();           // the connection's keys included: what the tap is given
  std::string catalog;                    // a path of the pipeline; empty: none
  bool discovers = true;
  std::string catalog_argument = "--catalog";
  std::vector<std::string> select;
  Numbers numbers;
  int idle_timeout_s = 600;
  program::Renames secrets;  // texts of the connection, and what stands for them
};

// kInvalidArgument with the key's name.
Result<Options> read_options(const StepContext& step);

}  // namespace osiris::worker::singer
