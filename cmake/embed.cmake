# embed(TARGET SOURCE ROOT DIRECTORY [FILES ROOT FILE...])
#
# Builds files into TARGET as the array that serve/static_files.h declares: every file below DIRECTORY (which may be absent) and
# the FILES named. The assembler takes the bytes as they are, so that megabytes cost nothing to compile.
# As a script (cmake -P) it writes that array's source: OUT, LIST (path=file pairs).
if(CMAKE_SCRIPT_MODE_FILE)
  file(STRINGS ${LIST} entries)
  set(data "")
  set(rows "")
  set(index 0)
  get_filename_component(folder ${OUT} DIRECTORY)
  foreach(entry ${entries})
    string(FIND "${entry}" "=" cut)
    string(SUBSTRING "${entry}" 0 ${cut} path)
    math(EXPR cut "${cut} + 1")
    string(SUBSTRING "${entry}" ${cut} -1 file)
    file(SIZE ${file} bytes)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 32 tag)
    string(APPEND data "EMBED(file_${index}, \"${file}\")\n")
    set(gzip "{}")
    if(path MATCHES "\\.(html|js|css|json|map|svg|txt|webmanifest)$" AND bytes GREATER 1024)
      set(packed ${folder}/${tag}.gz)
      execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${packed} RESULT_VARIABLE failed)
      if(failed)
        message(FATAL_ERROR "gzip ${file}: ${failed}")
      endif()
      string(APPEND data "EMBED(gzip_${index}, \"${packed}\")\n")
      set(gzip "BYTES(gzip_${index})")
    endif()
    string(APPEND rows "    {\"${path}\", BYTES(file_${index}), ${gzip}, \"\\\"${tag}\\\"\"},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE ${OUT} "// Written by cmake/embed.cmake.
#include \"serve/static_files.h\"

#define EMBED(name, file)                                                     \\
  extern \"C\" const char name##_begin[], name##_end[];                         \\
  asm(\".pushsection .rodata\\n\" #name \"_begin:\\n.incbin \\\"\" file \"\\\"\\n\" #name \\
      \"_end:\\n.byte 0\\n.popsection\\n\");
#define BYTES(name) {name##_begin, static_cast<std::size_t>(name##_end - name##_begin)}

${data}
namespace millrace::serve {

std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile kFiles[] = {
${rows}  };
  return kFiles;
}

}  // namespace millrace::serve
")
  return()
endif()

function(embed TARGET SOURCE)
  cmake_parse_arguments(ARG "" "DIRECTORY" "FILES" ${ARGN})
  set(list ${CMAKE_BINARY_DIR}/embed/${TARGET}.list)
  set(out ${CMAKE_BINARY_DIR}/embed/${SOURCE})
  file(GLOB_RECURSE found CONFIGURE_DEPENDS ${ARG_DIRECTORY}/*)
  list(SORT found)
  set(entries "")
  foreach(file ${found})
    file(RELATIVE_PATH path ${ARG_DIRECTORY} ${file})
    string(APPEND entries "/${path}=${file}\n")
  endforeach()
  foreach(file ${ARG_FILES})
    get_filename_component(name ${file} NAME)
    string(APPEND entries "/${name}=${file}\n")
  endforeach()
  file(CONFIGURE OUTPUT ${list} CONTENT "${entries}" @ONLY)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DLIST=${list} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${found} ${ARG_FILES} ${list} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding files into ${TARGET}")
  target_sources(${TARGET} PRIVATE ${out})
  # The compiler reads the files behind the preprocessor's back.
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS "${found};${ARG_FILES}")
endfunction()
