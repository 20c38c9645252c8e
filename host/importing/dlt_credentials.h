// What dlt's `credentials` say of a database: a table of fields, or an address like SQLAlchemy's.
#pragma once

#include <string>

#include "protocol/base/json.h"

namespace osiris {

struct DltCredentials {
  std::string family;  // "postgres", "mysql", "sqlite", "duckdb"; empty: no component speaks to it, or it is not said
  std::string driver;  // dlt's own word, "mssql+pyodbc"
  std::string path;    // the file of a sqlite or a duckdb database
  std::string host, port, database, user;

  bool is_a_file() const { return family == "sqlite" || family == "duckdb"; }
  // "host db.example, port 5432, database shop, user loader": without what is not said.
  std::string in_words() const;
};

// `kind` is what is known beforehand (the name of a destination); it yields to what `credentials` say.
DltCredentials dlt_credentials(const Json& credentials, const std::string& kind);

}  // namespace osiris
