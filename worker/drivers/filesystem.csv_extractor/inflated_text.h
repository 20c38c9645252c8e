// A compressed file as text for the scan: a thread inflates it some blocks ahead. The engine sees a file that it can
// read once, from its start, under a name that no other file has.
#pragma once

#include <duckdb.h>

#include <memory>
#include <string>

#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

class InflatedText {
 public:
  // Makes it known in the connection's database.
  static Result<std::shared_ptr<InflatedText>> offer(duckdb_connection connection, const Options& options);
  ~InflatedText();
  InflatedText(const InflatedText&) = delete;
  InflatedText& operator=(const InflatedText&) = delete;

  // What DuckDB calls it.
  const std::string& path() const { return path_; }

  // For the file system that opens it.
  const Options& options() const { return options_; }

 private:
  explicit InflatedText(Options options);

  const Options options_;
  const std::string path_;
};

}  // namespace osiris::worker::csv
