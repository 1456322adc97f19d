# Compiler, linker and cache settings that every target shares, and the libraries they use.
set(SLIPWAY_SANITIZE "" CACHE STRING "Sanitizers for the whole build, e.g. address,undefined or thread")

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)

add_library(slipway_options INTERFACE)
target_compile_options(slipway_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wunused -Wcast-qual -Werror -Werror=switch)
target_compile_definitions(slipway_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  SLIPWAY_VERSION="${PROJECT_VERSION}")
target_include_directories(slipway_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_include_directories(slipway_options SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_link_libraries(slipway_options INTERFACE Threads::Threads Boost::json Boost::url fmt::fmt)
target_link_options(slipway_options INTERFACE -fuse-ld=lld-19)

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Line tables are enough for stack traces and halve link time and disk use.
  target_compile_options(slipway_options INTERFACE -gline-tables-only)
  target_compile_definitions(slipway_options INTERFACE _GLIBCXX_ASSERTIONS)
else()
  target_compile_options(slipway_options INTERFACE -fno-plt)
endif()
if(SLIPWAY_SANITIZE)
  # Not optimized: it compiles three times as fast, and what the tests wait for is seldom our own code. Fuzzing
  # compiles once and runs for hours.
  set(optimized -O0)
  if(SLIPWAY_SANITIZE MATCHES "fuzzer")
    set(optimized -O1)
  endif()
  target_compile_options(slipway_options INTERFACE
    -fsanitize=${SLIPWAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer ${optimized})
  target_link_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # ccache can only share what was compiled with a precompiled header if it can tell that two such headers are the
  # same: by the checksum beside it (CCACHE_PCH_EXTSUM), which is of what it is made from, because the header itself
  # holds paths and is another in every build directory. base_dir turns paths into relative ones, but only those of
  # options it knows: -include-pch, not -Xclang. So every build directory and clone shares one cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1 ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
  target_compile_options(slipway_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
