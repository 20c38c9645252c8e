# Writes OUTPUT, a source file with the commit that SOURCE is at; run with every build, the file changes with the commit only.
# A tag is named where the commit has one and no file differs.
#   cmake -DSOURCE=<checkout> -DOUTPUT=<file> [-DCOMMIT=<given>] [-DTAG=<given>] -P cmake/commit.cmake
# In an archive made by `git archive` (what a forge serves as a tarball) commit.txt holds the hash; a repository that merely surrounds
# an unpacked tarball is not asked.
cmake_minimum_required(VERSION 3.25)
set(commit "${COMMIT}")
if(NOT commit)
  file(READ "${SOURCE}/cmake/commit.txt" commit)
  string(STRIP "${commit}" commit)
  if(NOT commit MATCHES "^[0-9a-f]+$")
    set(commit unknown)
  endif()
endif()
find_program(GIT git)
if(commit STREQUAL "unknown" AND GIT AND EXISTS "${SOURCE}/.git")
  # The user who builds need not own the checkout (sudo make install).
  set(git ${GIT} -c safe.directory=${SOURCE} -C ${SOURCE})
  execute_process(COMMAND ${git} rev-parse --verify HEAD OUTPUT_VARIABLE head RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${git} --no-optional-locks status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
  if(NOT failed AND head MATCHES "^[0-9a-f]+$")
    set(commit "${head}")
    if(changes)
      string(APPEND commit "-dirty")
    elseif(NOT TAG)
      execute_process(COMMAND ${git} describe --tags --exact-match OUTPUT_VARIABLE TAG ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT [[
#include "host/commands/version.h"

namespace osiris {
constexpr std::string_view kCommit = "@commit@";
constexpr std::string_view kTag = "@TAG@";
}  // namespace osiris
]] @ONLY)
