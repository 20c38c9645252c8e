# Provides osiris::duckdb: DuckDB's headers and one of two builds of its library, chosen by OSIRIS_ENGINE
# (docs/decisions/0072-two-lanes-of-building.md).
#
#   static   libduckdb_static.a, compiled from the PyPI source package by a build step, once per machine, version, flags and compiler.
#            Whatever travels or is shipped is linked with it.
#   shared   libduckdb.so of the same version as npm ships it: a first result in minutes, and sanitizer builds.
#
# All of it is kept outside the checkout, below ${OSIRIS_CACHE_DIR}:
#
#   duckdb-<version>.tar.gz          the source package, checked by its SHA-256
#   duckdb-<version>-source/         what is needed of it, unpacked
#   duckdb-<version>-<key>/          lib/libduckdb_static.a, and build/ as long as it is not finished
#   duckdb-<version>-<npm's>-shared/ libduckdb.so, from a package checked by its SHA-512
#
# Every directory appears by one rename under a lock, so two checkouts may want it at once, and a half-made one is never seen.
include_guard()

set(OSIRIS_ENGINE static CACHE STRING "static: DuckDB compiled here, for all that is shipped; shared: npm's library, for a first look and sanitizers")
set_property(CACHE OSIRIS_ENGINE PROPERTY STRINGS static shared)
if(OSIRIS_SANITIZE)
  set(OSIRIS_ENGINE shared)
endif()
if(NOT OSIRIS_ENGINE MATCHES "^(static|shared)$")
  message(FATAL_ERROR "OSIRIS_ENGINE is '${OSIRIS_ENGINE}'; it is static or shared")
endif()

# A shared library and the runtimes of sanitizers need a dynamic worker; everywhere else it is fully static.
set(OSIRIS_STATIC_WORKER OFF)
if(OSIRIS_ENGINE STREQUAL "static")
  set(OSIRIS_STATIC_WORKER ON)
endif()

set(_duckdb "${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}")
set(_duckdb_source "${_duckdb}-source")
set(_duckdb_shared "${_duckdb}-${OSIRIS_DUCKDB_NPM_REVISION}-shared")  # npm packs one version anew; PyPI does not

# The source package, by pip. pip wants a package's metadata and runs its build system for that, so the build system is pinned too,
# in a virtual environment of its own; the check for CMake 3.29 is put off, since nothing is compiled there.
function(_osiris_fetch_duckdb_source archive)
  if(EXISTS "${archive}")
    file(SHA256 "${archive}" found)
    if(found STREQUAL OSIRIS_DUCKDB_SOURCE_SHA256)
      return()
    endif()
    file(REMOVE "${archive}")
  endif()
  message(STATUS "Fetching the sources of DuckDB ${OSIRIS_DUCKDB_VERSION}")
  set(work "${_duckdb}-fetch")
  file(REMOVE_RECURSE "${work}")
  file(MAKE_DIRECTORY "${work}")
  file(WRITE "${work}/source.txt" "duckdb==${OSIRIS_DUCKDB_VERSION} --hash=sha256:${OSIRIS_DUCKDB_SOURCE_SHA256}\n")
  find_program(PYTHON3 python3 REQUIRED)
  set(pip "${work}/venv/bin/pip" --disable-pip-version-check --quiet)
  foreach(step IN ITEMS
      "${PYTHON3};-m;venv;${work}/venv"
      "${pip};install;--no-deps;--require-hashes;--only-binary=:all:;-r;${PROJECT_SOURCE_DIR}/third_party/duckdb/build-system.txt"
      "${pip};download;--no-deps;--require-hashes;--no-binary=duckdb;--no-build-isolation;-d;${work};-r;${work}/source.txt")
    execute_process(COMMAND ${CMAKE_COMMAND} -E env "SKBUILD_CMAKE_VERSION=>=3.20" ${step}
      RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
      string(REPLACE ";" " " step "${step}")
      message(FATAL_ERROR "${said}\nThe sources of DuckDB ${OSIRIS_DUCKDB_VERSION} could not be fetched (${step}: exit ${failed}). "
        "Is the Python package index reachable? Try: pip download --no-deps --no-binary duckdb duckdb==${OSIRIS_DUCKDB_VERSION}")
    endif()
  endforeach()
  file(RENAME "${work}/duckdb-${OSIRIS_DUCKDB_VERSION}.tar.gz" "${archive}")
  file(REMOVE_RECURSE "${work}")
endfunction()

function(_osiris_unpack_duckdb_source)
  _osiris_fetch_duckdb_source("${_duckdb}.tar.gz")
  set(work "${_duckdb_source}.new")
  set(inside "duckdb-${OSIRIS_DUCKDB_VERSION}/external/duckdb")
  file(REMOVE_RECURSE "${work}")
  set(patterns)
  foreach(part IN ITEMS CMakeLists.txt DuckDB* LICENSE .github src third_party tools
      extension/CMakeLists.txt extension/extension_* extension/generated_* extension/loader extension/core_functions extension/icu
      extension/json extension/parquet)
    list(APPEND patterns "${inside}/${part}*")
  endforeach()
  file(ARCHIVE_EXTRACT INPUT "${_duckdb}.tar.gz" DESTINATION "${work}" PATTERNS ${patterns})
  file(RENAME "${work}/${inside}" "${_duckdb_source}")
  file(REMOVE_RECURSE "${work}")
endfunction()

function(_osiris_fetch_shared_duckdb directory)
  message(STATUS "Fetching the library of DuckDB ${OSIRIS_DUCKDB_VERSION}")
  find_program(NPM npm REQUIRED)
  set(work "${directory}.new")
  file(REMOVE_RECURSE "${work}")
  file(MAKE_DIRECTORY "${work}")
  set(package "@duckdb/node-bindings-linux-x64@${OSIRIS_DUCKDB_VERSION}-${OSIRIS_DUCKDB_NPM_REVISION}")
  execute_process(COMMAND ${NPM} pack "${package}" --pack-destination "${work}" --ignore-scripts --silent --prefer-offline
    WORKING_DIRECTORY "${work}" RESULT_VARIABLE failed OUTPUT_VARIABLE name ERROR_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(FATAL_ERROR "${said}\nnpm could not fetch ${package} (exit ${failed}). Is the npm registry reachable? Try: npm view ${package}")
  endif()
  file(SHA512 "${work}/${name}" found)
  if(NOT found STREQUAL OSIRIS_DUCKDB_NPM_SHA512)
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR "${package} has SHA-512 ${found}, expected ${OSIRIS_DUCKDB_NPM_SHA512}; refusing to use it")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${work}/${name}" DESTINATION "${work}" PATTERNS package/libduckdb.so package/LICENSE)
  file(RENAME "${work}/package" "${directory}")
  file(REMOVE_RECURSE "${work}")
endfunction()

file(MAKE_DIRECTORY "${OSIRIS_CACHE_DIR}")
file(LOCK "${_duckdb}.lock" GUARD FILE TIMEOUT 600)
if(NOT EXISTS "${_duckdb_source}")
  _osiris_unpack_duckdb_source()
endif()
if(OSIRIS_ENGINE STREQUAL "shared" AND NOT EXISTS "${_duckdb_shared}")
  _osiris_fetch_shared_duckdb("${_duckdb_shared}")
endif()
file(LOCK "${_duckdb}.lock" RELEASE)

if(OSIRIS_ENGINE STREQUAL "shared")
  set(_duckdb_library "${_duckdb_shared}/libduckdb.so")
else()
  set(_duckdb_flags -O2 -g0 -DNDEBUG -fPIE -ffunction-sections -fdata-sections)
  set(key "${OSIRIS_DUCKDB_SOURCE_SHA256}|${_duckdb_flags}|GNU|${OSIRIS_DUCKDB_CXX_VERSION}|${CMAKE_SYSTEM_PROCESSOR}")
  set(recipe "${PROJECT_SOURCE_DIR}/third_party/duckdb/CMakeLists.txt")
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${recipe}")
  file(SHA256 "${recipe}" hash)
  string(APPEND key "|${hash}")
  string(SHA256 key "${key}")
  string(SUBSTRING "${key}" 0 16 key)
  set(_duckdb_library "${_duckdb}-${key}/lib/libduckdb_static.a")
  # Ninja runs it once in each build tree; where the library is there already it returns at once. What is linked with the library depends
  # on the file and on no target, so that all of osiris is compiled meanwhile.
  string(REPLACE ";" " " _duckdb_flags "${_duckdb_flags}")
  add_custom_command(OUTPUT "${_duckdb_library}"
    COMMAND "${PROJECT_SOURCE_DIR}/third_party/duckdb/build.sh" "${_duckdb_library}" "${_duckdb_source}" "${OSIRIS_DUCKDB_VERSION}"
      "${OSIRIS_DUCKDB_CC}" "${OSIRIS_DUCKDB_CXX}" "${_duckdb_flags}"
    COMMENT "Building DuckDB ${OSIRIS_DUCKDB_VERSION}, once per machine" USES_TERMINAL VERBATIM)
  add_custom_target(osiris_engine DEPENDS "${_duckdb_library}")
endif()

# For the package: what we link has to be accompanied by its licence.
set(OSIRIS_DUCKDB_LICENCE "${_duckdb_source}/LICENSE")

add_library(osiris_duckdb INTERFACE)
target_include_directories(osiris_duckdb SYSTEM INTERFACE "${_duckdb_source}/src/include")
target_link_libraries(osiris_duckdb INTERFACE "${_duckdb_library}" Threads::Threads ${CMAKE_DL_LIBS})
add_library(osiris::duckdb ALIAS osiris_duckdb)

# With the headers of the json extension, which is compiled into both libraries.
add_library(osiris_duckdb_json INTERFACE)
target_include_directories(osiris_duckdb_json SYSTEM INTERFACE
  "${_duckdb_source}/extension/json/include" "${_duckdb_source}/third_party/yyjson/include" "${_duckdb_source}/third_party/fmt/include")
target_link_libraries(osiris_duckdb_json INTERFACE osiris_duckdb)
add_library(osiris::duckdb_json ALIAS osiris_duckdb_json)
