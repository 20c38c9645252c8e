// A step that writes the rows of a SELECT to a table of `shop`.
#pragma once

#include "tests/drivers/postgres/steps.h"
#include "worker/drivers/postgres.writer/driver.h"

namespace osiris::worker::test {

class WriteStep : public PostgresStep {
 public:
  explicit WriteStep(const std::string& select, std::initializer_list<Json::Member> config,
                     std::initializer_list<Json::Member> connection = {})
      : PostgresStep(postgres_writer(), connection) {
    add_input("rows", select);
    configure(config);
  }
  // "ok 3", or the error's message and hint.
  std::string outcome() {
    const auto done = run();
    if (done.ok()) return "ok " + std::to_string(done->rows_written);
    return done.error().message + "; " + done.error().hint;
  }
};

}  // namespace osiris::worker::test
