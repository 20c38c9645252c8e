# What is installed beside the programs, and what scripts/package.sh packs of an installation: osiris and osiris-dev for Debian, below
# /usr, and osiris-<version>-linux-amd64.tar.zst, which runs from wherever it is unpacked. `make package` puts them into
# build/<preset>/packages (docs/decisions/0233-packages.md).
include_guard()
include(Licences)

install(FILES LICENSE THIRD_PARTY.md README.md CHANGELOG.md DESTINATION "${OSIRIS_INSTALL_DOC}")
install(DIRECTORY docs DESTINATION "${OSIRIS_INSTALL_DOC}")
# What authors of adapters read, for those who install the component `sdk` alone.
install(FILES docs/adapter-check.md docs/plugin-abi.md docs/run-package.md docs/worker-protocol.md docs/writing-an-adapter.md
  DESTINATION "${OSIRIS_INSTALL_DOC}/docs" COMPONENT sdk)
# Not with the documents: slim container images leave those out, and a first pipeline to run is worth having everywhere.
install(DIRECTORY examples DESTINATION "${OSIRIS_INSTALL_DATA}")

# All that the programs take from the machine is glibc, of this version or newer, and libgcc_s: tests/install reads it from them.
set(OSIRIS_NEWEST_GLIBC 2.34)
foreach(package IN ITEMS osiris osiris-dev)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/package/${package}.control.in" "${PROJECT_BINARY_DIR}/package/${package}.control" @ONLY)
endforeach()
