# Installs a build of libkv and builds, links and runs a project against it, static and shared:
#   cmake -DBUILD=<build directory> -DSOURCE=<this folder> -DWORK=<scratch> -P consumer_test.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "failed: ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
foreach(shared OFF ON)
  set(build ${WORK}/shared_${shared})
  run(${CMAKE_COMMAND} -S ${SOURCE} -B ${build} -DCMAKE_BUILD_TYPE=Release
    -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DBUILD_SHARED_LIBS=${shared})
  run(${CMAKE_COMMAND} --build ${build})
  run(${build}/consumer ${build}/store)
  # Each must be linked with what it asked for.
  file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${build}/consumer
    RESOLVED_DEPENDENCIES_VAR libraries UNRESOLVED_DEPENDENCIES_VAR unresolved)
  set(linked OFF)
  if("${libraries};${unresolved}" MATCHES "libkv\\.so")
    set(linked ON)
  endif()
  if(NOT linked STREQUAL shared)
    message(FATAL_ERROR "BUILD_SHARED_LIBS=${shared}, but libkv.so is linked: ${linked}")
  endif()
endforeach()
file(REMOVE_RECURSE ${WORK})
