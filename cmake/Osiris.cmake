# How targets are made here. Every target includes from the repository root and gets the same warnings.
include_guard()
include(GoogleTest)
include(CMakeDependentOption)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(CheckPIESupported)
check_pie_supported()

# A compiler cache that the caller did not choose: another clone and another preset find what this one compiled.
find_program(CCACHE ccache)
if(CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

option(OSIRIS_WERROR "treat warnings as errors" OFF)
option(OSIRIS_BUILD_TESTS "build the tests, and the MariaDB server that a demo starts" ON)
# Its servers and its generator are the tests'.
cmake_dependent_option(OSIRIS_BUILD_BENCH "build what `make bench` runs" ON OSIRIS_BUILD_TESTS OFF)
set(OSIRIS_SANITIZE "" CACHE STRING "sanitizers for osiris's own code: 'address,undefined' or 'thread'; empty for none")

option(OSIRIS_COVERAGE "count how often each line runs (scripts/coverage.py)" OFF)
if(OSIRIS_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_compile_definitions(OSIRIS_COVERAGE)
  add_link_options(--coverage)
endif()

option(OSIRIS_FUZZ "coverage that libFuzzer steers by, in all of osiris's own code; clang only" OFF)
if(OSIRIS_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    message(FATAL_ERROR "OSIRIS_FUZZ needs clang; use the preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(OSIRIS_SANITIZE)
  add_compile_options(-fsanitize=${OSIRIS_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${OSIRIS_SANITIZE})
  if(OSIRIS_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
else()
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()
include(Flags)

add_library(osiris_warnings INTERFACE)
target_compile_options(osiris_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual;-Wold-style-cast> -Wcast-qual
  $<$<BOOL:${OSIRIS_WERROR}>:-Werror>)

include(Layout)

function(_osiris_common target)
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:osiris_warnings>)
  if(OSIRIS_JOIN_SOURCES)  # the files of a unit are headers to the compiler, which warns of unnamed namespaces in those
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

option(OSIRIS_JOIN_TESTS "Compile the files of a test program several at a time, in half the time or less" ON)
option(OSIRIS_JOIN_SOURCES "Compile the files of a library or program several at a time: not for what is shipped" OFF)

# _osiris_join(IS_JOINED TARGET RESULT FILE...): where IS_JOINED, C++ files of this folder as translation units of several each
# (scripts/translation_units.py). Files with flags of their own, set by then, stay alone. Two files that took the same name since CMake ran do
# not compile together: run CMake again.
function(_osiris_join is_joined target result)
  set(files "")
  set(others "")
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file NORMALIZE OUTPUT_VARIABLE absolute)
    get_source_file_property(definitions "${absolute}" COMPILE_DEFINITIONS)
    get_source_file_property(options "${absolute}" COMPILE_OPTIONS)
    if(is_joined AND NOT definitions AND NOT options AND absolute MATCHES "^${PROJECT_SOURCE_DIR}/.*[.]cc$" AND NOT absolute MATCHES "^${PROJECT_BINARY_DIR}/")
      cmake_path(RELATIVE_PATH absolute BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
      list(APPEND files "${absolute}")
    else()
      list(APPEND others "${file}")
    endif()
  endforeach()
  set(units "")
  if(files)
    get_property(python GLOBAL PROPERTY _osiris_python)
    if(NOT python)  # once: a version manager's python3 is a script that takes ten times as long to start as what it starts
      find_package(Python3 REQUIRED COMPONENTS Interpreter)
      execute_process(COMMAND "${Python3_EXECUTABLE}" -c "import sys; print(sys.executable)" OUTPUT_VARIABLE python OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
      set_property(GLOBAL PROPERTY _osiris_python "${python}")
    endif()
    execute_process(COMMAND "${python}" -I -S "${PROJECT_SOURCE_DIR}/scripts/translation_units.py" "${CMAKE_CURRENT_BINARY_DIR}/${target}.units" "${PROJECT_SOURCE_DIR}" ${files}
      OUTPUT_VARIABLE units OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" units "${units}")
  endif()
  set(${result} ${units} ${others} PARENT_SCOPE)
endfunction()

# _osiris_sources(TARGET RESULT FILE...): what is compiled of a library's or program's files.
function(_osiris_sources target result)
  _osiris_join(${OSIRIS_JOIN_SOURCES} ${target} sources ${ARGN})
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# osiris_library(name SOURCES a.cc ... LINKS x ...): a static library; LINKS are passed on to its users.
function(osiris_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  _osiris_sources(${name} sources ${arg_SOURCES})
  add_library(${name} STATIC ${sources})
  _osiris_common(${name})
  target_link_libraries(${name} PUBLIC ${arg_LINKS})
endfunction()

# osiris_shipped(target): what leaves this machine. It brings its C++ library along and takes only glibc and libgcc_s from where it
# runs (docs/decisions/0070-what-is-linked-statically.md).
function(osiris_shipped target)
  if(NOT OSIRIS_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -Wl,--gc-sections)
  endif()
endfunction()

# osiris_executable(name [OUTPUT dir] SOURCES ... LINKS ...)
function(osiris_executable name)
  cmake_parse_arguments(arg "" "OUTPUT" "SOURCES;LINKS" ${ARGN})
  _osiris_sources(${name} sources ${arg_SOURCES})
  add_executable(${name} ${sources})
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
  _osiris_sources(adapter_${id} sources ${arg_SOURCES})
  add_library(adapter_${id} MODULE ${sources})
  _osiris_common(adapter_${id})
  target_link_libraries(adapter_${id} PRIVATE osiris::plugin_api ${arg_LINKS})
  osiris_shipped(adapter_${id})
  target_link_options(adapter_${id} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -Wl,--gc-sections
    "-Wl,--version-script,${PROJECT_SOURCE_DIR}/plugin_api/adapter.map")
  if(NOT OSIRIS_SANITIZE)
    target_link_options(adapter_${id} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(adapter_${id} PROPERTIES PREFIX "" OUTPUT_NAME ${id} LIBRARY_OUTPUT_DIRECTORY "${OSIRIS_ADAPTER_DIR}")
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${id}.adapter.toml.in "${OSIRIS_ADAPTER_DIR}/${id}.adapter.toml" @ONLY)
  install(TARGETS adapter_${id} LIBRARY DESTINATION "${OSIRIS_INSTALL_LIB}/adapters")
  install(FILES "${OSIRIS_ADAPTER_DIR}/${id}.adapter.toml" DESTINATION "${OSIRIS_INSTALL_LIB}/adapters")
endfunction()

# Sixty test programs hold the engine, each of which costs GNU ld five seconds and lld one.
find_program(OSIRIS_TEST_LINKER ld.lld HINTS /usr/lib/llvm-19/bin DOC "What links test programs, if it is there")

# Where temporary files of tests cost no disk: empty unless this machine has 4 GiB of memory as a file system that programs may run from.
function(_osiris_memory_directory result)
  set(${result} "" PARENT_SCOPE)
  execute_process(COMMAND findmnt --noheadings --raw --bytes --output FSTYPE,AVAIL,OPTIONS --target /dev/shm OUTPUT_VARIABLE mount ERROR_QUIET)
  if(mount MATCHES "^tmpfs ([0-9]+) " AND CMAKE_MATCH_1 GREATER_EQUAL 4294967296 AND NOT mount MATCHES "noexec")
    set(${result} /dev/shm PARENT_SCOPE)
  endif()
endfunction()
_osiris_memory_directory(OSIRIS_TEST_MEMORY)

# In seconds, as ctest keeps the costs that it measured; those are not asked for where this is set.
set(OSIRIS_COST_OF_LONG_TESTS 30)

# osiris_test(name SOURCES ... [ALONE ...] LINKS ... [LABELS ...] [TIMEOUT seconds] [LONG regex ...] [ON_DISK] [ENVIRONMENT K=V ...])
# A GoogleTest program whose every case is one ctest. ALONE: those of its files that do not compile together with others. LONG: cases that begin
# first, lest one of them is what a whole run waits for at its end. ON_DISK: temporary files are on a disk, not in memory. LABELS: by which
# times are summed up; the first folder below tests/ unless said otherwise. No case may need the machine for itself
# (docs/decisions/0076-tests-beside-each-other.md).
function(osiris_test name)
  cmake_parse_arguments(arg "ON_DISK" "TIMEOUT" "SOURCES;ALONE;LINKS;LABELS;LONG;ENVIRONMENT;DEPENDS" ${ARGN})
  if(arg_ALONE)
    list(REMOVE_ITEM arg_SOURCES ${arg_ALONE})
  endif()
  _osiris_join(${OSIRIS_JOIN_TESTS} ${name} sources ${arg_SOURCES})
  add_executable(${name} ${sources} ${arg_ALONE})
  _osiris_common(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gmock GTest::gtest_main)
  # Test code itself need not be fast, only what it calls; this halves its build time. The files of a unit are headers to the compiler, which
  # warns of unnamed namespaces in those.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0;-U_FORTIFY_SOURCE> $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
  if(OSIRIS_TEST_LINKER)
    cmake_path(GET OSIRIS_TEST_LINKER PARENT_PATH linkers)
    target_link_options(${name} PRIVATE "-B${linkers}" -fuse-ld=lld)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(NOT arg_LABELS)
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/tests" OUTPUT_VARIABLE arg_LABELS)
    string(REGEX REPLACE "/.*" "" arg_LABELS "${arg_LABELS}")
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." NO_PRETTY_VALUES PROPERTIES ${properties} DISCOVERY_TIMEOUT 60)
  # CMake 3.25 takes a list among a discovered test's properties apart, whatever its escaping; set afterwards, it stays whole.
  set(environment "OSIRIS_BUILD_DIR=${PROJECT_BINARY_DIR}" "OSIRIS_SOURCE_DIR=${PROJECT_SOURCE_DIR}" ${arg_ENVIRONMENT})
  if(OSIRIS_SANITIZE MATCHES thread)
    list(APPEND environment "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
  if(NOT arg_ON_DISK AND OSIRIS_TEST_MEMORY)
    list(APPEND environment "TMPDIR=${OSIRIS_TEST_MEMORY}")
  endif()
  set(costs "")
  foreach(pattern IN LISTS arg_LONG)
    string(APPEND costs "  if(test MATCHES \"${pattern}\")\n    set_tests_properties(\"\${test}\" PROPERTIES COST ${OSIRIS_COST_OF_LONG_TESTS})\n  endif()\n")
  endforeach()
  set(setter "${CMAKE_CURRENT_BINARY_DIR}/${name}_environment.cmake")
  file(GENERATE OUTPUT "${setter}" CONTENT
    "foreach(test IN LISTS ${name}_TESTS)\n  set_tests_properties(\"\${test}\" PROPERTIES LABELS \"${arg_LABELS}\" ENVIRONMENT \"${environment}\")\n${costs}endforeach()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${setter}")
endfunction()
