# What is installed beside the programs, and the packages that CPack makes of an installation: osiris_<version>_amd64.deb below /usr and
# osiris-<version>-linux-amd64.tar.zst, which runs from wherever it is unpacked. `make package` puts both into build/<preset>/packages.
include_guard()
include(Licences)

install(FILES LICENSE THIRD_PARTY.md README.md CHANGELOG.md DESTINATION "${OSIRIS_INSTALL_DOC}")
install(DIRECTORY docs DESTINATION "${OSIRIS_INSTALL_DOC}")
# What authors of adapters read, for those who install the component `sdk` alone.
install(FILES docs/adapter-check.md docs/plugin-abi.md docs/run-package.md docs/worker-protocol.md docs/writing-an-adapter.md
  DESTINATION "${OSIRIS_INSTALL_DOC}/docs" COMPONENT sdk)
# Not with the documents: slim container images leave those out, and a first pipeline to run is worth having everywhere.
install(DIRECTORY examples DESTINATION "${OSIRIS_INSTALL_DATA}")

set(CPACK_GENERATOR "DEB;TZST")
set(CPACK_PACKAGE_NAME osiris)
set(CPACK_PACKAGE_VENDOR osiris)
set(CPACK_PACKAGE_CONTACT "The maintainers of osiris <osiris@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Runs data pipelines here or in a sandbox, with the same result")
set(CPACK_PACKAGE_DESCRIPTION "osiris compiles a declarative pipeline (extract, transform, write) and runs it through an execution
adapter: on this machine, or in an E2B sandbox. The steps run in one statically linked worker, the same everywhere.
osiris-e2b-server is a local stand-in for the E2B service, to test with.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGE_FILE_NAME "osiris-${PROJECT_VERSION}-linux-amd64")
set(CPACK_THREADS 0)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
# All that the programs take from the machine, and tests/install checks that it is: everything else is inside.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.34), libgcc-s1")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)   # to reach E2B's cloud
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3, python3-venv, iproute2")  # python.processor; osiris-e2b-server --network isolated
include(CPack)
