// Logging in as MySQL 8 does it (caching_sha2_password), which Debian's static libmariadb lacks, and the one place that
// can refuse to log in without TLS: the client library itself falls back to plain text when the server says it has no
// TLS.
#pragma once

namespace osiris::worker::mysql {

inline constexpr char kLoginPluginName[] = "caching_sha2_password";
// Every method this client offers; a server that asks for another one is refused, mysql_old_password above all.
inline constexpr char kLoginPluginsAllowed[] = "mysql_native_password,caching_sha2_password";

// MARIADB_OPT_USERDATA key of a connection: const SslMode*, which outlives the log-in.
inline constexpr char kSslModeKey[] = "osiris.ssl_mode";
// A std::string: the name that the server's certificate must carry, where the connection was made by an address.
inline constexpr char kServerNameKey[] = "osiris.server_name";

// Makes the library ready and registers the plugin, once per process. [any thread]
void initialise_client_library();

}  // namespace osiris::worker::mysql
