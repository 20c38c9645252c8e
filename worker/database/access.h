// How a connection carries its Access inside DuckDB. Private to worker/database (it needs DuckDB's C++ headers).
#pragma once

#include <duckdb/main/client_context_state.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "worker/database/engine.h"

namespace duckdb {
class ClientContext;
}

namespace osiris::worker {

struct AccessState {
  Access access;

  bool may_read(const std::string& database) const;
  bool may_write(const std::string& database) const;

  // Null for a connection that was given none. [any thread]
  static std::shared_ptr<AccessState> of(duckdb::ClientContext& context);
  // Replaces what the connection had. Not while a statement runs on it.
  static void give(duckdb::ClientContext& context, Access access);

 private:
  struct Holder : duckdb::ClientContextState {
    explicit Holder(std::shared_ptr<AccessState> s) : state(std::move(s)) {}
    std::shared_ptr<AccessState> state;
  };
};

// The function an error text says is missing because open_engine() took it away; empty when it names none.
std::string removed_function_in(std::string_view text);

}  // namespace osiris::worker
