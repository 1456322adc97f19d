# slipway_folder(NAME [PCH kind] [DIRS dir...] [DEPS target...] [TEST_DEPS target...])
# Makes the library slipway_NAME of every *.cpp in this folder (and DIRS below it), and the test
# program slipway_NAME_tests of every *_test.cpp there. One library per folder of the layout.
function(slipway_folder name)
  cmake_parse_arguments(ARG "" "PCH" "DIRS;DEPS;TEST_DEPS" ${ARGN})
  if(NOT ARG_PCH)
    set(ARG_PCH base)
  endif()
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
  slipway_use_pch(slipway_${name} ${ARG_PCH})
  if(tests)
    slipway_test(slipway_${name}_tests SOURCES ${tests} DEPS slipway_${name} ${ARG_TEST_DEPS})
  endif()
endfunction()

# Precompiled headers, each compiled once in a target slipway_pch_KIND and reused by every target of its kind:
#   base    what most of the code needs of the system (cmake/pch.h)
#   domain  the same, and the domain with the store's interface: for the folders that speak of it (cmake/pch_domain.h)
#   test    the same, and GoogleTest (cmake/pch_test.h)
function(slipway_use_pch target kind)
  if(NOT TARGET slipway_pch_${kind})
    slipway_make_pch(${kind})
  endif()
  target_precompile_headers(${target} REUSE_FROM slipway_pch_${kind})
  target_link_libraries(${target} PRIVATE slipway_asio slipway_pch_${kind})
endfunction()

function(slipway_make_pch kind)
  if(NOT TARGET slipway_asio)
    add_library(slipway_asio STATIC "${CMAKE_SOURCE_DIR}/cmake/asio.cpp")
    target_link_libraries(slipway_asio PUBLIC slipway_options)
  endif()
  set(suffix "_${kind}")
  if(kind STREQUAL "base")
    set(suffix "")
  endif()
  add_library(slipway_pch_${kind} STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
  target_link_libraries(slipway_pch_${kind} PUBLIC slipway_options)
  if(kind STREQUAL "test")
    target_link_libraries(slipway_pch_${kind} PUBLIC GTest::gmock)
  endif()
  target_precompile_headers(slipway_pch_${kind} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/pch${suffix}.h")
  slipway_write_pch_sum(${kind})
endfunction()

# What a precompiled header is made from, for ccache: the compiler, the installed packages, and the text of its list
# and of our own headers. The options are in ccache's own checksum. It is written before the header is compiled, and
# whoever uses the header waits for that.
function(slipway_write_pch_sum kind)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/slipway_pch_${kind}.dir")
  set(sum "${directory}/cmake_pch.hxx.pch.sum")
  file(GLOB read CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/cmake/pch*.h")
  if(NOT kind STREQUAL "base")
    file(GLOB ours CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/base/*.h" "${CMAKE_SOURCE_DIR}/src/domain/*.h")
    list(APPEND read ${ours} "${CMAKE_SOURCE_DIR}/src/store/store.h")
  endif()
  list(JOIN read "|" files)
  add_custom_command(OUTPUT "${sum}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${sum}" "-DFILES=${files}"
      "-DCOMPILER=${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION}"
      -P "${CMAKE_SOURCE_DIR}/cmake/SlipwayPchSum.cmake"
    DEPENDS ${read} "${CMAKE_SOURCE_DIR}/cmake/SlipwayPchSum.cmake" VERBATIM)
  add_custom_target(slipway_pch_${kind}_sum DEPENDS "${sum}")
  add_dependencies(slipway_pch_${kind} slipway_pch_${kind}_sum)
endfunction()

# slipway_test(NAME SOURCES file... DEPS target...): a GoogleTest program that ctest runs.
function(slipway_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  slipway_use_pch(${name} test)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 1500)
endfunction()

# slipway_compile_together(TEST...): for the sanitizers, of which every change is compiled anew, these programs' files
# are compiled several at once: most of their compilation is the headers that they share. Their names must not collide,
# then. The program itself is compiled file by file, as everywhere.
function(slipway_compile_together)
  if(SLIPWAY_SANITIZE)
    set_target_properties(${ARGN} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()

# The answers that a test is given by our APIs are kept and compared with their descriptions (tests/api).
set(SLIPWAY_ANSWERS "${CMAKE_BINARY_DIR}/answers")
function(slipway_records_answers test)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "SLIPWAY_RECORD_ANSWERS=${SLIPWAY_ANSWERS}")
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_REQUIRED answers_directory)
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_SETUP answers)
endfunction()
