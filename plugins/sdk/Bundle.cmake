# osiris-adapter-sdk: the API of include/osiris/sdk/ and all it stands on as one archive of one object, in which nothing but the API is
# visible: an author's own copies of OpenSSL, zstd or libarchive never meet the ones in here (docs/decisions/0192-the-installed-sdk.md).
osiris_library(osiris_sdk_api
  SOURCES api/byte_stream.cc api/convert.cc api/delivery.cc api/egress.cc api/elsewhere.cc api/json.cc api/options.cc api/place.cc
          api/process.cc api/remote_adapter.cc api/service.cc api/worker_run.cc
  LINKS osiris_sdk_remote)

file(STRINGS include/osiris/sdk/version.h sdk_version REGEX "define OSIRIS_SDK_VERSION ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" sdk_version "${sdk_version}")
cmake_path(GET OSIRIS_INSTALL_LIB PARENT_PATH libraries)
set(archive "${PROJECT_BINARY_DIR}/${libraries}/libosiris-adapter-sdk.a")
set(bundle "${CMAKE_CURRENT_BINARY_DIR}/adapter-sdk.o")
set(parts osiris_sdk_remote osiris_plugin_sdk osiris_archive osiris_http osiris_rpc osiris_model osiris_base)
list(TRANSFORM parts REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE part_files)
foreach(name IN ITEMS archive zstd z crypto)
  get_target_property(file osiris::${name} IMPORTED_LOCATION)
  list(APPEND part_files "${file}")
endforeach()
add_custom_command(
  OUTPUT "${archive}"
  COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/bundle.sh" "${CMAKE_CXX_COMPILER}" "${CMAKE_OBJCOPY}" "${CMAKE_AR}" "${archive}" "${bundle}"
          "$<TARGET_FILE:osiris_sdk_api>" ${part_files}
  DEPENDS bundle.sh osiris_sdk_api ${parts}
  COMMENT "Linking osiris-adapter-sdk" VERBATIM)
add_custom_target(osiris_adapter_sdk_archive ALL DEPENDS "${archive}")

# What the adapters in this tree link: the same archive. A sanitizer's and the coverage's bookkeeping do not survive hidden symbols.
add_library(osiris_adapter_sdk INTERFACE)
add_library(osiris::adapter_sdk ALIAS osiris_adapter_sdk)
if(OSIRIS_SANITIZE OR OSIRIS_COVERAGE OR OSIRIS_FUZZ)
  target_link_libraries(osiris_adapter_sdk INTERFACE osiris_sdk_api)
else()
  add_dependencies(osiris_adapter_sdk osiris_adapter_sdk_archive)
  target_include_directories(osiris_adapter_sdk INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/include")
  target_link_libraries(osiris_adapter_sdk INTERFACE osiris::plugin_api "${archive}")
endif()

set(package_dir "${libraries}/cmake/OsirisAdapterSdk")
cmake_path(RELATIVE_PATH OSIRIS_INSTALL_INCLUDE BASE_DIRECTORY "${package_dir}" OUTPUT_VARIABLE include_from_package)
cmake_path(RELATIVE_PATH libraries BASE_DIRECTORY "${package_dir}" OUTPUT_VARIABLE libraries_from_package)
set(pc_dir "${libraries}/pkgconfig")
string(REGEX REPLACE "[^/]+" ".." prefix_from_pc "${pc_dir}")
configure_file(OsirisAdapterSdkConfig.cmake.in "${PROJECT_BINARY_DIR}/${package_dir}/OsirisAdapterSdkConfig.cmake" @ONLY)
configure_file(osiris-adapter-sdk.pc.in "${PROJECT_BINARY_DIR}/${pc_dir}/osiris-adapter-sdk.pc" @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/${package_dir}/OsirisAdapterSdkConfigVersion.cmake"
  VERSION ${sdk_version} COMPATIBILITY SameMinorVersion)
install(DIRECTORY include/osiris DESTINATION "${OSIRIS_INSTALL_INCLUDE}" COMPONENT sdk)
install(FILES "${archive}" DESTINATION "${libraries}" COMPONENT sdk)
install(FILES "${PROJECT_BINARY_DIR}/${package_dir}/OsirisAdapterSdkConfig.cmake"
  "${PROJECT_BINARY_DIR}/${package_dir}/OsirisAdapterSdkConfigVersion.cmake" DESTINATION "${package_dir}" COMPONENT sdk)
install(FILES "${PROJECT_BINARY_DIR}/${pc_dir}/osiris-adapter-sdk.pc" DESTINATION "${pc_dir}" COMPONENT sdk)
