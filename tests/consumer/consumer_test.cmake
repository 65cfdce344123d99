# Installs a build of libkv and builds, links and runs a project against it, static and shared,
# without libkv::http and, if the build has it, with it:
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
file(GLOB_RECURSE http_targets ${WORK}/prefix/libkvHttpTargets.cmake)
set(variants OFF_OFF ON_OFF)  # shared, http
if(http_targets)
  list(APPEND variants OFF_ON ON_ON)
endif()
foreach(variant ${variants})
  string(REPLACE "_" ";" variant ${variant})
  list(GET variant 0 shared)
  list(GET variant 1 http)
  set(build ${WORK}/shared_${shared}_http_${http})
  run(${CMAKE_COMMAND} -S ${SOURCE} -B ${build} -DCMAKE_BUILD_TYPE=Release
    -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DBUILD_SHARED_LIBS=${shared} -DHTTP=${http})
  run(${CMAKE_COMMAND} --build ${build})
  run(${build}/consumer ${build}/store)
  if(http)
    run(${build}/consumer_http)
  endif()
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
