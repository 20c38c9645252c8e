# How targets are made here. Every target includes from the repository root and gets the same warnings.
include_guard()
include(GoogleTest)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
include(CheckPIESupported)
check_pie_supported()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

option(OSIRIS_WERROR "treat warnings as errors" OFF)
set(OSIRIS_SANITIZE "" CACHE STRING "sanitizers for osiris's own code: 'address,undefined' or 'thread'; empty for none")

# Sanitizer runtimes need a dynamic executable; everywhere else the worker is fully static.
if(OSIRIS_SANITIZE)
  set(OSIRIS_STATIC_WORKER OFF)
  add_compile_options(-fsanitize=${OSIRIS_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${OSIRIS_SANITIZE})
  if(OSIRIS_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
else()
  set(OSIRIS_STATIC_WORKER ON)
  add_compile_options(-ffunction-sections -fdata-sections)
endif()

add_library(osiris_warnings INTERFACE)
target_compile_options(osiris_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wcast-qual
  $<$<BOOL:${OSIRIS_WERROR}>:-Werror>)
target_compile_options(osiris_warnings INTERFACE $<$<COMPILE_LANGUAGE:C>:-Wno-old-style-cast>)

# The build tree is laid out as an installed prefix, so that discovery by prefix is the same code in both.
include(GNUInstallDirs)
set(OSIRIS_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(OSIRIS_LIB_DIR "${PROJECT_BINARY_DIR}/lib/osiris")
set(OSIRIS_ADAPTER_DIR "${OSIRIS_LIB_DIR}/adapters")
set(OSIRIS_COMPONENT_DIR "${PROJECT_BINARY_DIR}/share/osiris/components")

function(_osiris_common target)
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:osiris_warnings>)
endfunction()

# osiris_library(name SOURCES a.cc ... LINKS x ...): a static library; LINKS are passed on to its users.
function(osiris_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  _osiris_common(${name})
  target_link_libraries(${name} PUBLIC ${arg_LINKS})
endfunction()

# osiris_executable(name [OUTPUT dir] SOURCES ... LINKS ...)
function(osiris_executable name)
  cmake_parse_arguments(arg "" "OUTPUT" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  _osiris_common(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
  if(arg_OUTPUT)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${arg_OUTPUT}")
  endif()
endfunction()

# osiris_adapter(id SOURCES ... LINKS ...): an adapter plugin <id>.so with its manifest beside it, exporting
# osiris_adapter_main_v1 and nothing else.
function(osiris_adapter id)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(adapter_${id} MODULE ${arg_SOURCES})
  _osiris_common(adapter_${id})
  target_link_libraries(adapter_${id} PRIVATE osiris::plugin_api ${arg_LINKS})
  target_link_options(adapter_${id} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -Wl,--gc-sections
    "-Wl,--version-script,${PROJECT_SOURCE_DIR}/plugin_api/adapter.map")
  if(NOT OSIRIS_SANITIZE)
    target_link_options(adapter_${id} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(adapter_${id} PROPERTIES PREFIX "" OUTPUT_NAME ${id} LIBRARY_OUTPUT_DIRECTORY "${OSIRIS_ADAPTER_DIR}")
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${id}.adapter.toml.in "${OSIRIS_ADAPTER_DIR}/${id}.adapter.toml" @ONLY)
  install(TARGETS adapter_${id} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/osiris/adapters)
  install(FILES "${OSIRIS_ADAPTER_DIR}/${id}.adapter.toml" DESTINATION lib/osiris/adapters)
endfunction()

# osiris_test(name SOURCES ... LINKS ... [LABELS ...] [TIMEOUT seconds] [SERIAL] [ENVIRONMENT K=V ...])
# A GoogleTest program whose every case is one ctest. SERIAL: its cases run alone (servers, memory limits).
function(osiris_test name)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "SOURCES;LINKS;LABELS;ENVIRONMENT;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  _osiris_common(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gmock GTest::gtest_main)
  # Test code itself need not be fast, only what it calls; this halves its build time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  list(JOIN arg_ENVIRONMENT "\\;" environment)
  list(APPEND properties ENVIRONMENT "OSIRIS_BUILD_DIR=${PROJECT_BINARY_DIR}\\;OSIRIS_SOURCE_DIR=${PROJECT_SOURCE_DIR}\\;${environment}")
  # One process per test program would be quicker to list, but a crash would then hide its neighbours.
  gtest_discover_tests(${name} TEST_PREFIX "${name}." PROPERTIES ${properties} DISCOVERY_TIMEOUT 60)
endfunction()
