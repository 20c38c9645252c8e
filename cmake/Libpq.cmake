# osiris::pq: libpq, linked statically. Debian's libpq.a (libpq-dev) lacks the two archives it is made to be linked with: they lie in
# postgresql-server-dev-15, which would bring clang and LLVM along (550 MB). Where that package is not installed, apt fetches the file,
# of the version that libpq-dev has, and the two are taken out of it, once per machine. apt checks the signature as for any package.
# What libpq.a asks of Kerberos and LDAP, which have no static archives, is answered "no" by worker/drivers/postgres/libpq_unused.c.
include_guard()

set(_libpq_packaged /usr/lib/postgresql/15/lib)

# Lays libpgcommon_shlib.a and libpgport_shlib.a into `folder`, by one rename.
function(_osiris_fetch_libpq_parts version folder)
  message(STATUS "Fetching two archives of postgresql-server-dev-15 ${version}")
  string(RANDOM LENGTH 8 suffix)
  set(work "${folder}-${suffix}")
  file(MAKE_DIRECTORY "${work}")
  execute_process(COMMAND apt-get download -q "postgresql-server-dev-15=${version}" WORKING_DIRECTORY "${work}"
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  file(GLOB package "${work}/*.deb")
  if(failed OR NOT package)
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR "libpgcommon_shlib.a of PostgreSQL 15 is missing, and apt-get download postgresql-server-dev-15=${version} failed:\n"
      "${said}\nRun apt-get update and bring libpq-dev to the version that apt offers, or install postgresql-server-dev-15.")
  endif()
  execute_process(COMMAND dpkg-deb -x "${package}" "${work}" COMMAND_ERROR_IS_FATAL ANY)
  file(MAKE_DIRECTORY "${work}/lib")
  foreach(name IN ITEMS pgcommon pgport)
    file(RENAME "${work}${_libpq_packaged}/lib${name}_shlib.a" "${work}/lib/lib${name}_shlib.a")
  endforeach()
  if(NOT EXISTS "${folder}")
    file(RENAME "${work}/lib" "${folder}")
  endif()
  file(REMOVE_RECURSE "${work}")
endfunction()

execute_process(COMMAND dpkg-query -W -f "\${Version}" libpq-dev OUTPUT_VARIABLE _libpq_version ERROR_QUIET RESULT_VARIABLE _libpq_missing)
if(_libpq_missing OR NOT _libpq_version)
  message(FATAL_ERROR "libpq.a was not found: install libpq-dev (scripts/setup.sh installs all that is missing)")
endif()
set(_libpq_parts "${_libpq_packaged}")
if(NOT EXISTS "${_libpq_parts}/libpgcommon_shlib.a")
  set(_libpq_parts "${OSIRIS_CACHE_DIR}/libpq-${_libpq_version}")
  if(NOT EXISTS "${_libpq_parts}/libpgcommon_shlib.a")
    _osiris_fetch_libpq_parts("${_libpq_version}" "${_libpq_parts}")
  endif()
endif()
foreach(_part IN ITEMS pgcommon pgport)
  add_library(osiris_archive_${_part} STATIC IMPORTED GLOBAL)
  set_target_properties(osiris_archive_${_part} PROPERTIES IMPORTED_LOCATION "${_libpq_parts}/lib${_part}_shlib.a")
endforeach()
set_target_properties(osiris_archive_pgcommon PROPERTIES INTERFACE_LINK_LIBRARIES "osiris_archive_pgport")
_osiris_archive(pq libpq-dev LINKS osiris_archive_pgcommon osiris_archive_pgport osiris_libpq_unused osiris::ssl osiris::crypto)
