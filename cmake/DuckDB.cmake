# Provides the imported target osiris::duckdb, a static DuckDB built once per version, flags and compiler
# and kept outside the checkout:
#
#   ${OSIRIS_CACHE_DIR}/duckdb-<version>-<key>/{lib/libduckdb_static.a,include/duckdb.h,include/duckdb.hpp,...}
#
# A clean clone that finds its key there configures in under a second. Two checkouts that want the same key
# at once are serialised by a lock, and the prefix appears by one rename, so a half-built one is never seen.
include_guard()

set(_duckdb_flags "-O2 -g0 -DNDEBUG -fPIE -ffunction-sections -fdata-sections")
set(_duckdb_recipe "${PROJECT_SOURCE_DIR}/third_party/duckdb/CMakeLists.txt")
file(SHA256 "${_duckdb_recipe}" _duckdb_recipe_hash)
string(SHA256 _duckdb_key
  "${OSIRIS_DUCKDB_VERSION}|${OSIRIS_DUCKDB_SHA512}|${_duckdb_flags}|GNU|${OSIRIS_DUCKDB_CXX_VERSION}|${CMAKE_SYSTEM_PROCESSOR}|${_duckdb_recipe_hash}")
string(SUBSTRING "${_duckdb_key}" 0 16 _duckdb_key)
set(_duckdb_prefix "${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}-${_duckdb_key}")

function(_osiris_fetch_duckdb archive)
  if(EXISTS "${archive}")
    file(SHA512 "${archive}" found)
    if(found STREQUAL OSIRIS_DUCKDB_SHA512)
      return()
    endif()
    file(REMOVE "${archive}")
  endif()
  find_program(NPM npm REQUIRED)
  cmake_path(GET archive PARENT_PATH directory)
  execute_process(
    COMMAND ${NPM} pack "duckdb@${OSIRIS_DUCKDB_VERSION}" --pack-destination "${directory}"
            --ignore-scripts --silent --prefer-offline
    WORKING_DIRECTORY "${directory}" RESULT_VARIABLE failed OUTPUT_QUIET)
  if(failed)
    message(FATAL_ERROR "npm could not fetch duckdb@${OSIRIS_DUCKDB_VERSION} (exit ${failed}); "
      "is the npm registry reachable? Try: npm view duckdb@${OSIRIS_DUCKDB_VERSION}")
  endif()
  file(SHA512 "${archive}" found)
  if(NOT found STREQUAL OSIRIS_DUCKDB_SHA512)
    file(REMOVE "${archive}")
    message(FATAL_ERROR "duckdb-${OSIRIS_DUCKDB_VERSION}.tgz has SHA-512 ${found}, expected ${OSIRIS_DUCKDB_SHA512}; refusing to build it")
  endif()
endfunction()

function(_osiris_build_duckdb)
  set(work "${_duckdb_prefix}.build")
  file(REMOVE_RECURSE "${work}/source")
  file(MAKE_DIRECTORY "${work}/source")
  set(archive "${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}.tgz")
  _osiris_fetch_duckdb("${archive}")
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${work}/source")
  find_program(CCACHE ccache)
  set(launcher)
  if(CCACHE)
    set(launcher "-DCMAKE_C_COMPILER_LAUNCHER=${CCACHE}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${CCACHE}")
  endif()
  message(STATUS "Building DuckDB ${OSIRIS_DUCKDB_VERSION} into ${_duckdb_prefix}: once per machine, about 12 minutes on two cores")
  foreach(step IN ITEMS
      "-S;${PROJECT_SOURCE_DIR}/third_party/duckdb;-B;${work}/build;-GNinja;-DCMAKE_BUILD_TYPE=None;-DCMAKE_C_COMPILER=${OSIRIS_DUCKDB_CC};-DCMAKE_CXX_COMPILER=${OSIRIS_DUCKDB_CXX};-DCMAKE_C_FLAGS=${_duckdb_flags};-DCMAKE_CXX_FLAGS=${_duckdb_flags};-DSOURCE_ROOT=${work}/source/package;-DCMAKE_INSTALL_PREFIX=${work}/prefix;${launcher}"
      "--build;${work}/build"
      "--install;${work}/build")
    execute_process(COMMAND ${CMAKE_COMMAND} ${step} RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "building DuckDB failed (cmake ${step}); the build directory is ${work}")
    endif()
  endforeach()
  file(RENAME "${work}/prefix" "${_duckdb_prefix}")
  file(REMOVE_RECURSE "${work}")
endfunction()

# The C++ headers, for the two worker files that need more than the C API (a file system that asks which
# connection is calling, and the text of each statement of a script).
function(_osiris_install_duckdb_headers)
  set(archive "${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}.tgz")
  _osiris_fetch_duckdb("${archive}")
  set(work "${_duckdb_prefix}.headers")
  file(REMOVE_RECURSE "${work}")
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${work}" PATTERNS "package/src/duckdb/src/include/*")
  file(GLOB entries "${work}/package/src/duckdb/src/include/*")
  list(FILTER entries EXCLUDE REGEX "/duckdb\\.hpp$")
  file(COPY ${entries} DESTINATION "${_duckdb_prefix}/include")
  file(COPY "${work}/package/src/duckdb/src/include/duckdb.hpp" DESTINATION "${_duckdb_prefix}/include")  # last: the mark
  file(REMOVE_RECURSE "${work}")
endfunction()

file(MAKE_DIRECTORY "${OSIRIS_CACHE_DIR}")
if(NOT EXISTS "${_duckdb_prefix}/lib/libduckdb_static.a" OR NOT EXISTS "${_duckdb_prefix}/include/duckdb.hpp")
  file(LOCK "${_duckdb_prefix}.lock" GUARD FILE TIMEOUT 5400)
  if(NOT EXISTS "${_duckdb_prefix}/lib/libduckdb_static.a")
    _osiris_build_duckdb()
  endif()
  if(NOT EXISTS "${_duckdb_prefix}/include/duckdb.hpp")
    _osiris_install_duckdb_headers()
  endif()
  file(LOCK "${_duckdb_prefix}.lock" RELEASE)
endif()

# For the package: what we link has to be accompanied by its licence.
set(OSIRIS_DUCKDB_LICENCE "${PROJECT_BINARY_DIR}/third_party/duckdb/package/LICENSE")
if(NOT EXISTS "${OSIRIS_DUCKDB_LICENCE}")
  _osiris_fetch_duckdb("${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}.tgz")
  file(ARCHIVE_EXTRACT INPUT "${OSIRIS_CACHE_DIR}/duckdb-${OSIRIS_DUCKDB_VERSION}.tgz"
    DESTINATION "${PROJECT_BINARY_DIR}/third_party/duckdb" PATTERNS package/LICENSE)
endif()

add_library(osiris_duckdb STATIC IMPORTED GLOBAL)
set_target_properties(osiris_duckdb PROPERTIES
  IMPORTED_LOCATION "${_duckdb_prefix}/lib/libduckdb_static.a"
  INTERFACE_INCLUDE_DIRECTORIES "${_duckdb_prefix}/include"
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
add_library(osiris::duckdb ALIAS osiris_duckdb)
