# Run as a script: writes OUTPUT, the checksum of FILES (separated by "|"), of COMPILER, and of the versions of the
# packages whose headers are read.
string(REPLACE "|" ";" files "${FILES}")
execute_process(COMMAND dpkg-query -W libboost1.81-dev libboost-json1.81-dev libfmt-dev libstdc++-12-dev libc6-dev
  libgtest-dev libgmock-dev OUTPUT_VARIABLE packages ERROR_QUIET)
set(text "${COMPILER} ${packages}")
foreach(file IN LISTS files)
  file(SHA256 "${file}" sum)
  string(APPEND text " ${sum}")
endforeach()
string(SHA256 sum "${text}")
file(WRITE "${OUTPUT}" "${sum}\n")
