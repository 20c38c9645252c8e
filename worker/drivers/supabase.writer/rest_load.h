// One load of a table by PostgREST, which has no transaction over several requests: each batch is one, and an error
// says what is in the table. By key a batch may be sent twice; without one it never is when it is not known whether it
// arrived.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/supabase/rest.h"

namespace osiris::worker::supabase {

class RestLoad : private BatchWriter {
 public:
  // All outlive it.
  RestLoad(StepContext& step, const db::TargetSettings& settings, const Endpoint& endpoint);

  // Returns the rows.
  Result<uint64_t> run();

 private:
  std::unique_ptr<Batch> begin() override;
  Status write(Batch& batch) override;

  Status find_columns();
  Status find_table();
  Status check_keys();
  Status send();
  Status remove_stale();
  Status verify();

  bool has_key() const { return settings_.mode != db::WriteMode::kAppend; }
  Error failed(const std::string& what, const std::string& hint) const;
  // What a failure leaves, for its error.
  std::string left_behind() const;
  std::string source() const;

  StepContext& step_;
  const db::TargetSettings& settings_;
  Rest rest_;
  const std::string shown_;  // public.orders
  uint64_t batch_rows_ = 100;
  db::RelationColumns columns_;
  std::string ddl_;    // that would make the table
  std::string names_;  // of the columns, as PostgREST's lists have them
  std::vector<std::string> pending_;
  uint64_t rows_ = 0;  // that the server has taken
};

}  // namespace osiris::worker::supabase
