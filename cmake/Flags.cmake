# Optimisation. Where a packager's CFLAGS or CXXFLAGS speak of the same matter, ours are left out, and a build type's flags
# that a packager chose stay as they are.
include_guard()

foreach(language IN ITEMS C CXX)
  set(theirs "${CMAKE_${language}_FLAGS}")
  if(CMAKE_${language}_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")  # CMake's own default
    set(CMAKE_${language}_FLAGS_RELEASE "-O2 -DNDEBUG")
    if(theirs MATCHES "-O[0-9sgz]")
      set(CMAKE_${language}_FLAGS_RELEASE "-DNDEBUG")
    endif()
  endif()
endforeach()

# Hardening of a release: these programs read hostile files and answers. A sanitizer checks more, and minds the fortified functions.
if(NOT OSIRIS_SANITIZE)
  foreach(flag IN ITEMS -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection)
    string(REGEX MATCH "_FORTIFY_SOURCE|stack-protector|stack-clash|cf-protection" matter "${flag}")
    foreach(language IN ITEMS C CXX)
      if(NOT CMAKE_${language}_FLAGS MATCHES "${matter}")
        add_compile_options("$<$<AND:$<COMPILE_LANGUAGE:${language}>,$<CONFIG:Release>>:${flag}>")
      endif()
    endforeach()
  endforeach()
endif()
