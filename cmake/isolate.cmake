# SPDX-License-Identifier: Apache-2.0
# Run as a script: makes one relocatable object of a static archive, in which only the symbols that
# match KEEP stay visible to others, and wraps it into a static library again. Members that match DROP are left
# out; without KEEP that is all that happens.
# REDEFINE (old=new;...) makes the archive call other functions than those it asks for.
#   cmake -DAR= -DLD= -DOBJCOPY= -DARCHIVE=in.a -DOUTPUT=out.a [-DKEEP=pattern;...] [-DDROP=regex] [-DREDEFINE=old=new;...] -P
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result ERROR_VARIABLE message)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${message}")
  endif()
endfunction()

get_filename_component(name ${OUTPUT} NAME_WE)
get_filename_component(folder ${OUTPUT} DIRECTORY)
set(part ${folder}/${name}.part.a)
set(object ${folder}/${name}.o)
file(MAKE_DIRECTORY ${folder})
file(REMOVE ${part} ${object} ${OUTPUT})
file(COPY_FILE ${ARCHIVE} ${part})

if(DROP)
  execute_process(COMMAND ${AR} t ${part} OUTPUT_VARIABLE members COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "\n" ";" members "${members}")
  list(FILTER members INCLUDE REGEX "${DROP}")
  if(members)
    run(${AR} d ${part} ${members})
  endif()
endif()

if(NOT KEEP)
  run(${AR} s ${part})
  file(RENAME ${part} ${OUTPUT})
  return()
endif()

set(keep)
foreach(pattern IN LISTS KEEP)
  list(APPEND keep --keep-global-symbol=${pattern})
endforeach()
# --unique keeps the sections of each member apart, so that the last link can drop the unused ones.
run(${LD} -r --unique -o ${object} --whole-archive ${part})
run(${OBJCOPY} --wildcard ${keep} ${object})
foreach(pair IN LISTS REDEFINE)
  run(${OBJCOPY} --redefine-sym ${pair} ${object})
endforeach()
run(${AR} rcs ${OUTPUT} ${object})
file(REMOVE ${part} ${object})
