# What most files of a target include is parsed once for the target. ./run and ./test ask for it; it
# is off otherwise, so that a file which forgets one of its own #include lines is found.
option(LIBKV_PRECOMPILED_HEADERS "Parse the common headers once per target" OFF)

# libkv_precompile_headers(TARGET [HEADER...]): the standard library's, and those named.
function(libkv_precompile_headers target)
  if(NOT LIBKV_PRECOMPILED_HEADERS)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <condition_variable> <cstddef>
    <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory> <mutex> <optional> <random>
    <set> <span> <string> <string_view> <thread> <tuple> <utility> <vector> ${ARGN})
endfunction()
