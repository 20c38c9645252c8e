# Optimisation. Where a packager's CFLAGS or CXXFLAGS speak of the same matter, ours are left out, and a build type's flags
# that somebody chose stay as they are.
include_guard()

foreach(language IN ITEMS C CXX)
  set(theirs "${CMAKE_${language}_FLAGS}")
  if(CMAKE_${language}_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")  # CMake's own default: nobody chose it
    set(CMAKE_${language}_FLAGS_RELEASE "-O2 -DNDEBUG")
    if(theirs MATCHES "-O[0-9sgz]")
      set(CMAKE_${language}_FLAGS_RELEASE "-DNDEBUG")
    endif()
  endif()
endforeach()
