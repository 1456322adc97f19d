# Run as a script: writes OUTPUT, a C++ source that defines each NAME of NAMES as the text of the file beside it in
# FILES. Lists are separated by "|".
string(REPLACE "|" ";" names "${NAMES}")
string(REPLACE "|" ";" files "${FILES}")
set(text "// Written by cmake/SlipwayEmbed.cmake.\n#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(name file IN ZIP_LISTS names files)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND text "\nstatic constexpr char k${name}Bytes[] = {\n${bytes}};\n"
    "const std::string_view k${name}(k${name}Bytes, sizeof k${name}Bytes);\n")
endforeach()
string(APPEND text "\n}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${text}")
