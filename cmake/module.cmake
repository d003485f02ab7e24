# The standard library's headers are four fifths of what a source file of ours reads. Each kind of target reads them once, compiled,
# in a release build; a debug build shows which file leans on what it did not include.
function(precompile TARGET)
  if(NOT CMAKE_BUILD_TYPE STREQUAL Release OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  # gcc 12 takes the library's moves of short strings for overruns where its headers come precompiled.
  target_compile_options(${TARGET} PRIVATE -Wno-array-bounds -Wno-stringop-overflow)
  get_target_property(kind ${TARGET} TYPE)
  get_property(first GLOBAL PROPERTY MILLRACE_PRECOMPILED_${kind})
  if(first)
    target_precompile_headers(${TARGET} REUSE_FROM ${first})
    return()
  endif()
  set_property(GLOBAL PROPERTY MILLRACE_PRECOMPILED_${kind} ${TARGET})
  target_precompile_headers(${TARGET} PRIVATE <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstring> <deque>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <unordered_set>
    <utility> <variant> <vector> <fmt/format.h> ${ARGN})
endfunction()

# module(NAME [DEPENDS folder...] [LINKS library...])
#
# One folder under src/ = one static library = one namespace. DEPENDS is the whole list of folders that
# its files may include; scripts/check_layers.py reads these calls and every #include. Files named
# *_test.cc become one doctest program per folder, which may also use src/sim and its contract headers.
function(module NAME)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_main|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(libraries "")
  foreach(dependency ${ARG_DEPENDS})
    list(APPEND libraries millrace_${dependency})
  endforeach()
  if(sources)
    add_library(millrace_${NAME} STATIC ${sources})
    target_include_directories(millrace_${NAME} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(millrace_${NAME} PUBLIC ${libraries} ${ARG_LINKS})
    precompile(millrace_${NAME})
  else()
    add_library(millrace_${NAME} INTERFACE)
    target_include_directories(millrace_${NAME} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(millrace_${NAME} INTERFACE ${libraries} ${ARG_LINKS})
  endif()
  if(tests)
    add_executable(${NAME}_test ${tests} $<TARGET_OBJECTS:doctest_main>)
    target_link_libraries(${NAME}_test PRIVATE millrace_${NAME})
    precompile(${NAME}_test <doctest/doctest.h>)
    # Only here: a path in every command line would keep ccache from serving another clone.
    target_compile_definitions(${NAME}_test PRIVATE MILLRACE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # A test's own code is compiled more often than it runs.
    target_compile_options(${NAME}_test PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:Release>:-g0>)
    if(TARGET millrace_sim OR NOT NAME STREQUAL sim)
      target_link_libraries(${NAME}_test PRIVATE millrace_sim)
    endif()
    set_property(GLOBAL APPEND PROPERTY MILLRACE_TESTS ${NAME}_test)
    add_test(NAME ${NAME} COMMAND ${NAME}_test)
  endif()
endfunction()
