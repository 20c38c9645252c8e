// A compressed file as text for DuckDB's reader: a thread inflates it some blocks ahead of the parser, and looks at the
// text on the way. DuckDB sees a file that it can read once, from its start, under a name that no other file has.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <memory>
#include <string>

#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

class InflatedText {
 public:
  // Makes it known in the connection's database. `first_line`: as for text_is_plain().
  static Result<std::shared_ptr<InflatedText>> offer(duckdb_connection connection, const Options& options,
                                                     uint64_t first_line);
  ~InflatedText();
  InflatedText(const InflatedText&) = delete;
  InflatedText& operator=(const InflatedText&) = delete;

  // What DuckDB calls it.
  const std::string& path() const { return path_; }
  // What text_is_plain() would say, once the file was read to its end; false before.
  bool is_plain() const { return plain_; }

  // For the file system that opens it.
  const Options& options() const { return options_; }
  uint64_t first_line() const { return first_line_; }
  void ended(bool plain) { plain_ = plain; }

 private:
  InflatedText(Options options, uint64_t first_line);

  const Options options_;
  const uint64_t first_line_;
  const std::string path_;
  std::atomic<bool> plain_{false};
};

}  // namespace osiris::worker::csv
