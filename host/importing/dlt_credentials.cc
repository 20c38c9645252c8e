#include "host/importing/dlt_credentials.h"

#include "protocol/base/text.h"

namespace osiris {
namespace {

std::string family_of(const std::string& driver) {
  const std::string name = ascii_lower(driver.substr(0, driver.find('+')));
  const std::pair<const char*, const char*> families[] = {{"postgres", "postgres"}, {"postgresql", "postgres"},
                                                          {"mysql", "mysql"},       {"mariadb", "mysql"},
                                                          {"sqlite", "sqlite"},     {"duckdb", "duckdb"}};
  for (const auto& [word, family] : families)
    if (name == word) return family;
  return "";
}

std::string text_of(const Json& value) { return value.is_int() ? std::to_string(value.as_int()) : value.as_string(); }

// "driver://user:password@host:port/database?more"; the password is passed over.
void read_address(const std::string& address, DltCredentials& into) {
  const size_t scheme = address.find("://");
  into.driver = address.substr(0, scheme);
  std::string rest = address.substr(scheme + 3);
  rest.resize(std::min(rest.size(), rest.find('?')));
  const size_t slash = rest.find('/');
  std::string place = rest.substr(0, slash);
  if (slash != std::string::npos) into.database = rest.substr(slash + 1);
  if (const size_t at = place.rfind('@'); at != std::string::npos) {
    into.user = place.substr(0, std::min(place.find(':'), at));
    place.erase(0, at + 1);
  }
  const size_t colon = place.rfind(':');
  into.host = place.substr(0, colon);
  if (colon != std::string::npos) into.port = place.substr(colon + 1);
}

}  // namespace

std::string DltCredentials::in_words() const {
  std::vector<std::string> parts;
  const std::pair<const char*, const std::string*> fields[] = {
      {"host ", &host}, {"port ", &port}, {"database ", &database}, {"user ", &user}};
  for (const auto& [name, value] : fields)
    if (!value->empty()) parts.push_back(name + *value);
  return join(parts, ", ");
}

DltCredentials dlt_credentials(const Json& credentials, const std::string& kind) {
  DltCredentials read;
  read.driver = kind;
  if (credentials.is_string() && credentials.as_string().find("://") != std::string::npos) {
    read_address(credentials.as_string(), read);
  } else if (credentials.is_string()) {  // duckdb's may be a path alone
    read.database = credentials.as_string();
  } else {
    read.driver = credentials["drivername"].as_string_or(kind);
    read.host = text_of(credentials["host"]);
    read.port = text_of(credentials["port"]);
    read.database = text_of(credentials["database"]);
    read.user = text_of(credentials["username"]);
  }
  read.family = family_of(read.driver);
  if (read.is_a_file()) read.path = read.database;
  return read;
}

}  // namespace osiris
