# slipway_folder(NAME [DIRS dir...] [DEPS target...] [TEST_DEPS target...])
# Makes the library slipway_NAME of every *.cpp in this folder (and DIRS below it), and the test
# program slipway_NAME_tests of every *_test.cpp there. One library per folder of the layout.
function(slipway_folder name)
  cmake_parse_arguments(ARG "" "" "DIRS;DEPS;TEST_DEPS" ${ARGN})
  set(patterns "*.cpp")
  foreach(dir IN LISTS ARG_DIRS)
    list(APPEND patterns "${dir}/*.cpp")
  endforeach()
  file(GLOB all CONFIGURE_DEPENDS ${patterns})
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  add_library(slipway_${name} STATIC ${sources})
  target_link_libraries(slipway_${name} PUBLIC slipway_options ${ARG_DEPS})
  slipway_use_pch(slipway_${name})
  if(tests)
    slipway_test(slipway_${name}_tests SOURCES ${tests} DEPS slipway_${name} ${ARG_TEST_DEPS})
  endif()
endfunction()

# One precompiled header, compiled once in slipway_pch and reused by every target.
function(slipway_use_pch target)
  if(NOT TARGET slipway_pch)
    add_library(slipway_pch STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
    target_link_libraries(slipway_pch PUBLIC slipway_options)
    target_precompile_headers(slipway_pch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/pch.h")
    slipway_write_pch_sum("${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/slipway_pch.dir/cmake_pch.hxx.pch.sum")
  endif()
  target_precompile_headers(${target} REUSE_FROM slipway_pch)
  target_link_libraries(${target} PRIVATE slipway_pch)
endfunction()

# What the precompiled header is made from: its list, the compiler, and the installed packages that it reads. The
# options are in ccache's own checksum.
function(slipway_write_pch_sum file)
  file(SHA256 "${CMAKE_SOURCE_DIR}/cmake/pch.h" list)
  execute_process(COMMAND dpkg-query -W libboost1.81-dev libfmt-dev libstdc++-12-dev libc6-dev
    OUTPUT_VARIABLE packages ERROR_QUIET)
  string(SHA256 sum "${list} ${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION} ${packages}")
  file(CONFIGURE OUTPUT "${file}" CONTENT "${sum}\n")
endfunction()

# slipway_test(NAME SOURCES file... DEPS target...): a GoogleTest program that ctest runs.
function(slipway_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  slipway_use_pch(${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 1500)
endfunction()

# The answers that a test is given by our APIs are kept and compared with their descriptions (tests/api).
set(SLIPWAY_ANSWERS "${CMAKE_BINARY_DIR}/answers")
function(slipway_records_answers test)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "SLIPWAY_RECORD_ANSWERS=${SLIPWAY_ANSWERS}")
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_REQUIRED answers_directory)
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_SETUP answers)
endfunction()
