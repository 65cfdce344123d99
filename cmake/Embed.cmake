# Turns files into a C++ source that holds them, plain and packed by gzip:
#
#   cmake -DOUTPUT=web_files_data.cc -DFILES="a.html;b.css" -P Embed.cmake
#
# CMake packs by itself, so the build needs no other tool.
set(arrays "")
set(rows "")
set(number 0)

function(embed_bytes file name result)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(${result} "const unsigned char ${name}[] = {\n${hex}0};\n" PARENT_SCOPE)
endfunction()

foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  set(packed ${OUTPUT}.${name}.gz)
  file(ARCHIVE_CREATE OUTPUT ${packed} PATHS ${file} FORMAT raw COMPRESSION GZip
    COMPRESSION_LEVEL 9)
  embed_bytes(${file} kPlain${number} plain_array)
  embed_bytes(${packed} kPacked${number} packed_array)
  string(APPEND arrays "${plain_array}${packed_array}")
  string(APPEND rows
    "    {\"${name}\", View(kPlain${number}), View(kPacked${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Made by cmake/Embed.cmake.
#include \"protocol/web_files.h\"

namespace kvserver {
namespace {

${arrays}
// Without the 0 behind it.
template <size_t kBytes>
std::string_view View(const unsigned char (&bytes)[kBytes]) {
  return {reinterpret_cast<const char*>(bytes), kBytes - 1};
}

const EmbeddedFile kFiles[] = {
${rows}};

}  // namespace

std::span<const EmbeddedFile> EmbeddedFiles() { return kFiles; }

}  // namespace kvserver
")
