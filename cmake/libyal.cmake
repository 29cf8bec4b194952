# SPDX-License-Identifier: Apache-2.0
# The libyal format libraries and libtsk, each isolated from the others.
#
# Debian's builds of libewf, libevtx and their kin carry copies of libcdata, libfdata, libbfio and a
# dozen more, of different versions, under the same exported names. Linked into one program, the first
# one found serves all, and a library that meets another's version fails silently: libevtx then reads no
# record. So each archive becomes one object in which all but the library's own names are local
# (isolate.cmake), as target yal::<name>. One libbfio serves all, so that a handle made by this program is
# accepted by each: the newest of the bundled ones, which has every function the others ask for (Debian's
# libbfio 20170123 lacks the read at an offset that libewf, libvhdi and libqcow call).
#
# libtsk is used through its external image interface alone. Its own openers of container formats (libewf,
# libvmdk, libvhdi, afflib) are taken out and replaced by refusals (parsers/stream/tsk_image_formats.c), which
# keeps a second libewf out of the process: tsk::tsk.
#
# tests/unit/libyal_isolation_test.c proves it on real samples.

find_program(AVOUCH_LD NAMES ld.bfd ld REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)

set(AVOUCH_ISOLATED_DIR ${CMAKE_BINARY_DIR}/isolated)

function(avouch_find_archive variable library package)
  find_library(${variable} NAMES lib${library}.a)
  if(NOT ${variable})
    message(FATAL_ERROR "lib${library}.a is missing: install the package ${package} (scripts/setup does)")
  endif()
endfunction()

# avouch_isolate(<namespace> <name> <archive> [KEEP pattern...] [DROP regex] [REDEFINE old=new...] [LINK target...])
# KEEP none: names stay as they are, only members are dropped.
function(avouch_isolate namespace name archive)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "DROP" "KEEP;LINK;REDEFINE")
  set(output ${AVOUCH_ISOLATED_DIR}/lib${name}.a)
  string(REPLACE ";" "\\;" keep "${arg_KEEP}")
  string(REPLACE ";" "\\;" redefine "${arg_REDEFINE}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DAR=${CMAKE_AR} -DLD=${AVOUCH_LD} -DOBJCOPY=${CMAKE_OBJCOPY}
      -DARCHIVE=${archive} -DOUTPUT=${output} -DKEEP=${keep} -DDROP=${arg_DROP} -DREDEFINE=${redefine}
      -P ${CMAKE_SOURCE_DIR}/cmake/isolate.cmake
    DEPENDS ${archive} ${CMAKE_SOURCE_DIR}/cmake/isolate.cmake
    COMMENT "Isolating lib${name}" VERBATIM)
  add_custom_target(isolated_${name} DEPENDS ${output})
  add_library(${namespace}::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${namespace}::${name} PROPERTIES IMPORTED_LOCATION ${output}
    INTERFACE_LINK_LIBRARIES "${arg_LINK};Threads::Threads"
    INTERFACE_LINK_OPTIONS "-Wl,--gc-sections")
  add_dependencies(${namespace}::${name} isolated_${name})
endfunction()

avouch_find_archive(AVOUCH_BFIO_ARCHIVE vhdi libvhdi-dev)
avouch_isolate(yal bfio ${AVOUCH_BFIO_ARCHIVE} KEEP "libbfio_*" DROP "^lib(vhdi|fdata|fcache|fguid)")

foreach(name IN ITEMS ewf regf evtx evt vshadow scca esedb bde luksde vslvm vhdi vmdk qcow lnk olecf)
  string(TOUPPER ${name} upper)
  avouch_find_archive(AVOUCH_${upper}_ARCHIVE ${name} lib${name}-dev)
  if(name STREQUAL ewf)                              # what it does to chunks: parsers/stream/ewf_zlib.c
    set(extra REDEFINE uncompress=avouch_uncompress adler32=avouch_adler32 LINK avouch_ewf_zlib)
  else()
    set(extra LINK)
  endif()
  avouch_isolate(yal ${name} ${AVOUCH_${upper}_ARCHIVE} KEEP "lib${name}_*" DROP "^libbfio_" ${extra} yal::bfio ZLIB::ZLIB)
  # Headers of the builds with a bundled libbfio show their file_io functions only with this.
  target_compile_definitions(yal::${name} INTERFACE HAVE_LIBBFIO)
endforeach()

avouch_find_archive(AVOUCH_TSK_ARCHIVE tsk libtsk-dev)
avouch_isolate(tsk tsk ${AVOUCH_TSK_ARCHIVE} DROP "^(aff|ewf|vmdk|vhd)[.]o$"
  LINK avouch_tsk_formats stdc++ m ZLIB::ZLIB)
