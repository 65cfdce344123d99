# Runs an example and compares what it prints with a file; the same lines must stand in the README.
#   cmake -DPROGRAM=... -DEXPECTED=file [-DINPUT=file] -DREADME=file -P check_output.cmake
if(INPUT)
  execute_process(COMMAND ${PROGRAM} INPUT_FILE ${INPUT}
    OUTPUT_VARIABLE output RESULT_VARIABLE result)
else()
  execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output RESULT_VARIABLE result)
endif()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${result}")
endif()

file(READ ${EXPECTED} expected)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM} printed\n${output}\nand not, as ${EXPECTED} says,\n${expected}")
endif()

file(READ ${README} readme)
string(FIND "${readme}" "${expected}" place)
if(place EQUAL -1)
  message(FATAL_ERROR "${README} does not show the output of ${PROGRAM}, ${EXPECTED}")
endif()
