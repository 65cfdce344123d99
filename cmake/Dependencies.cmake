# Every library this project stands on, each with the Debian package that brings it.
# A missing one stops the configuration with the command that installs it.

function(libkv_missing what package)
  message(FATAL_ERROR
    "libkv needs ${what}, which was not found.\n"
    "On Debian and Ubuntu: apt-get install ${package}\n"
    "(./run and ./test install everything that is missing by themselves.)")
endfunction()

find_package(Threads REQUIRED)

# No version in the call: RocksDB's own version file accepts one major version only.
find_package(RocksDB CONFIG QUIET)
if(NOT RocksDB_FOUND OR NOT TARGET RocksDB::rocksdb-shared)
  libkv_missing("RocksDB 7.8 or newer, as a shared library" librocksdb-dev)
elseif(RocksDB_VERSION VERSION_LESS 7.8)
  libkv_missing("RocksDB 7.8 or newer (found ${RocksDB_VERSION})" librocksdb-dev)
endif()

find_package(absl CONFIG QUIET)
if(NOT absl_FOUND)
  libkv_missing("Abseil" libabsl-dev)
endif()

find_package(xxhash MODULE QUIET)
if(NOT xxhash_FOUND)
  libkv_missing("xxHash 0.8" libxxhash-dev)
endif()

find_package(ICU 67 COMPONENTS uc QUIET)
if(NOT ICU_FOUND)
  libkv_missing("ICU 67 or newer" libicu-dev)
endif()

find_package(libstemmer MODULE QUIET)
if(NOT libstemmer_FOUND)
  libkv_missing("libstemmer (Snowball)" libstemmer-dev)
endif()

find_package(roaring CONFIG QUIET)
if(NOT roaring_FOUND)
  libkv_missing("CRoaring" libroaring-dev)
endif()

find_package(nlohmann_json 3.9 CONFIG QUIET)
if(NOT nlohmann_json_FOUND)
  libkv_missing("nlohmann-json 3.9 or newer" nlohmann-json3-dev)
endif()

option(LIBKV_HTTP "Build libkv::http, the embedder that asks a server" ON)
if(LIBKV_HTTP)
  find_package(CURL 7.66 QUIET)
  if(NOT CURL_FOUND)
    libkv_missing("libcurl 7.66 or newer (or -DLIBKV_HTTP=OFF)" libcurl4-openssl-dev)
  endif()
endif()

if(LIBKV_SERVER)
  find_package(Boost 1.75 QUIET)
  if(NOT Boost_FOUND)
    libkv_missing("Boost 1.75 or newer (headers; or -DLIBKV_SERVER=OFF)" libboost1.81-dev)
  endif()
  find_package(spdlog QUIET)
  if(NOT spdlog_FOUND)
    libkv_missing("spdlog (or -DLIBKV_SERVER=OFF)" libspdlog-dev)
  endif()
endif()

if(LIBKV_TESTS)
  find_package(doctest CONFIG QUIET)
  if(NOT doctest_FOUND)
    libkv_missing("doctest" doctest-dev)
  endif()
endif()

if(LIBKV_EXAMPLES OR LIBKV_PERF OR LIBKV_TESTS OR LIBKV_SERVER)
  find_package(CLI11 CONFIG QUIET)
  if(NOT CLI11_FOUND)
    libkv_missing("CLI11" libcli11-dev)
  endif()
endif()

if(LIBKV_SERVER)
  find_package(libedit MODULE QUIET)
  if(NOT libedit_FOUND)
    libkv_missing("libedit" libedit-dev)
  endif()
endif()
