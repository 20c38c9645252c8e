# Installs <doc>/copyright: our licence, THIRD_PARTY.md, and the texts of everything that is linked statically, as the Debian packages
# it was linked from carry them. The one document that even slim container images keep.
include_guard()

set(copyright "${PROJECT_BINARY_DIR}/copyright")
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" text)
file(WRITE "${copyright}.new" "osiris\n\n${text}\n\n")
foreach(source IN ITEMS
    "${PROJECT_SOURCE_DIR}/THIRD_PARTY.md" "${OSIRIS_DUCKDB_LICENCE}"
    zlib1g-dev libminizip-dev libbz2-dev liblzma-dev libzstd-dev libarchive-dev libssl-dev libnghttp2-dev libcurl4-openssl-dev libsqlite3-dev
    libyaml-cpp-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libmariadb-dev libpq-dev libc6-dev gcc-12-base)
  if(IS_ABSOLUTE "${source}")
    set(file "${source}")
  else()
    set(file "/usr/share/doc/${source}/copyright")
  endif()
  if(NOT source OR NOT EXISTS "${file}")
    continue()  # another distribution; a packager there has its own way to say it
  endif()
  file(READ "${file}" text)
  cmake_path(GET file FILENAME name)
  if(NOT IS_ABSOLUTE "${source}")
    set(name "${source}")
  endif()
  file(APPEND "${copyright}.new" "\n======== ${name} ========\n\n${text}")
endforeach()
file(COPY_FILE "${copyright}.new" "${copyright}" ONLY_IF_DIFFERENT)
file(REMOVE "${copyright}.new")
install(FILES "${copyright}" DESTINATION "${OSIRIS_INSTALL_DOC}")
