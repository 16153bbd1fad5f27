# Compares a generated page with the committed one: cmake -DPROGRAM=outrod -DOPTION=--print-... -DCOMMITTED=FILE -P generated.cmake
execute_process(COMMAND ${PROGRAM} ${OPTION} OUTPUT_VARIABLE generated RESULT_VARIABLE status)
file(READ ${COMMITTED} committed)
if(NOT status EQUAL 0 OR NOT generated STREQUAL committed)
  message(FATAL_ERROR "${COMMITTED} is not what the table in daemon/config.c says: outrod ${OPTION} > ${COMMITTED}")
endif()
