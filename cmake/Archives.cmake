# The static archives of Debian's libraries, as osiris::<name>. Everything is linked from them, the tests included, so that what is
# tested is what is shipped, and a bare machine needs none of these packages (docs/decisions/0070-what-is-linked-statically.md).
include_guard()

# _osiris_archive(name PACKAGE [LINKS ...]): osiris::<name> is lib<name>.a of a Debian package.
function(_osiris_archive name package)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  string(MAKE_C_IDENTIFIER "OSIRIS_ARCHIVE_${name}" variable)
  find_library(${variable} NAMES lib${name}.a)
  mark_as_advanced(${variable})
  if(NOT ${variable})
    message(FATAL_ERROR "lib${name}.a was not found: install ${package} (scripts/setup.sh installs all that is missing)")
  endif()
  set(location "${${variable}}")
  if(name STREQUAL "nghttp2")
    _osiris_without_stderr("${location}" location)
  endif()
  add_library(osiris_archive_${name} STATIC IMPORTED GLOBAL)
  set_target_properties(osiris_archive_${name} PROPERTIES IMPORTED_LOCATION "${location}" INTERFACE_LINK_LIBRARIES "${arg_LINKS}")
  add_library(osiris::${name} ALIAS osiris_archive_${name})
endfunction()

# Debian compiles archives for executables (-fPIE). The one thing this keeps out of a shared library is a direct access to a variable of
# another one: nghttp2 has a single such place, a debugging function without callers that prints to stderr. A copy of the archive
# in the build tree names another variable there (protocol/http/curl_unused.c).
function(_osiris_without_stderr archive into)
  set(copy "${PROJECT_BINARY_DIR}/third_party/libnghttp2.a")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/third_party")
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${archive}")
  if("${archive}" IS_NEWER_THAN "${copy}")
    execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=osiris_unused_stderr "${archive}" "${copy}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set(${into} "${copy}" PARENT_SCOPE)
endfunction()

_osiris_archive(z zlib1g-dev)
_osiris_archive(bz2 libbz2-dev)
_osiris_archive(lzma liblzma-dev)
_osiris_archive(zstd libzstd-dev)
_osiris_archive(minizip libminizip-dev LINKS osiris::z)
_osiris_archive(archive libarchive-dev LINKS osiris::zstd osiris::z)
# Its pax writer drags in the writers of all formats, and their libraries; what has no caller is left out by section, references included.
set_target_properties(osiris_archive_archive PROPERTIES INTERFACE_LINK_OPTIONS -Wl,--gc-sections)
_osiris_archive(crypto libssl-dev LINKS osiris::z ${CMAKE_DL_LIBS} Threads::Threads)
_osiris_archive(ssl libssl-dev LINKS osiris::crypto)
_osiris_archive(mariadb libmariadb-dev LINKS osiris::ssl osiris::crypto osiris::z ${CMAKE_DL_LIBS} Threads::Threads)
_osiris_archive(nghttp2 libnghttp2-dev)
_osiris_archive(curl libcurl4-openssl-dev LINKS osiris_curl_unused osiris::nghttp2 osiris::ssl osiris::zstd osiris::z)
_osiris_archive(sqlite3 libsqlite3-dev LINKS m ${CMAKE_DL_LIBS} Threads::Threads)
_osiris_archive(yaml-cpp libyaml-cpp-dev)
