// What a tap writes on its stdout, line by line: SCHEMA, RECORD and STATE of one stream. Anything else is an error, so
// that a tap that prints where it should log is found at once.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "worker/drivers/singer.extractor/options.h"
#include "worker/drivers/singer.extractor/records.h"

namespace osiris::worker::singer {

class Messages {
 public:
  Messages(StepContext& step, const Options& options) : step_(step), options_(options) {}

  // Any part of the output. False once something was wrong; then error() says what.
  bool feed(std::string_view bytes);
  const Error& error() const { return *error_; }
  // The tap has ended well: its records, settled, and its last STATE becomes the step's.
  Result<std::unique_ptr<Records>> finish();

 private:
  Status line(std::string_view line);
  Status message(std::string_view line);
  Status schema(const Json& message);
  Status state(const Json& message);
  Error garbage(std::string_view line, const std::string& why) const;

  StepContext& step_;
  const Options& options_;
  std::string rest_;  // the beginning of a line
  uint64_t lines_ = 0;
  std::unique_ptr<Records> records_;
  Json schema_;  // of the stream
  std::set<std::string> others_;
  std::optional<Json> state_;
  std::optional<Error> error_;
};

}  // namespace osiris::worker::singer
