# Without a library that libkv needs, the configuration stops and names the Debian package:
#   cmake -DSOURCE=<top of the project> -DWORK=<scratch> -P missing_dependency_test.cmake
set(packages
  RocksDB=librocksdb-dev absl=libabsl-dev xxhash=libxxhash-dev ICU=libicu-dev
  libstemmer=libstemmer-dev roaring=libroaring-dev nlohmann_json=nlohmann-json3-dev
  CURL=libcurl4-openssl-dev Boost=libboost1.81-dev spdlog=libspdlog-dev
  doctest=doctest-dev CLI11=libcli11-dev)
foreach(pair ${packages})
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 name)
  list(GET pair 1 package)
  file(REMOVE_RECURSE ${WORK})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK} -G ${GENERATOR}
      -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_DISABLE_FIND_PACKAGE_${name}=ON
    RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(result EQUAL 0)
    message(FATAL_ERROR "the configuration goes on without ${name}")
  endif()
  # CMake breaks the lines of messages where it likes.
  string(REGEX REPLACE "[ \n]+" " " out "${out}")
  if(NOT out MATCHES "apt-get install ${package}")
    message(FATAL_ERROR "without ${name}, ${package} is not named:\n${out}")
  endif()
  message(STATUS "${name}: apt-get install ${package}")
endforeach()
file(REMOVE_RECURSE ${WORK})
