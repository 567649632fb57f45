# The code generator: a shared object of its own that holds LLVM (statically, BPF alone), so that only commands that
# compile pay for it; and the client that runs it in a child process.
set(XDPC_LLVM_LINK "static" CACHE STRING "how LLVM is linked: static or shared")

set(template_bitcode ${CMAKE_BINARY_DIR}/generated/templates.bc)
set(fixed_assembly ${CMAKE_BINARY_DIR}/generated/fixed.s)
file(GLOB template_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/codegen-templates/*)
set(template_flags -std=c17 -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR})
add_custom_command(
  OUTPUT ${template_bitcode} ${fixed_assembly}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
  COMMAND ${CLANG} ${template_flags} -emit-llvm -c ${CMAKE_SOURCE_DIR}/codegen-templates/templates.bpf.c -o ${template_bitcode}
  COMMAND ${CLANG} ${template_flags} -S ${CMAKE_SOURCE_DIR}/codegen-templates/fixed.bpf.c -o ${fixed_assembly}
  DEPENDS ${template_sources}
  COMMENT "Compiling codegen-templates")

execute_process(COMMAND ${LLVM_CONFIG} --includedir OUTPUT_VARIABLE llvm_include OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${LLVM_CONFIG} --libdir OUTPUT_VARIABLE llvm_libdir OUTPUT_STRIP_TRAILING_WHITESPACE)
if(XDPC_LLVM_LINK STREQUAL "static")
  execute_process(COMMAND ${LLVM_CONFIG} --link-static --libs bpf bpfasmparser linker passes bitreader
                  OUTPUT_VARIABLE llvm_libs OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE llvm_static)
  if(NOT llvm_static EQUAL 0 OR NOT EXISTS ${llvm_libdir}/libLLVMCore.a)
    message(STATUS "no static LLVM: linking the shared one")
    set(XDPC_LLVM_LINK "shared")
  endif()
endif()
if(XDPC_LLVM_LINK STREQUAL "static")
  separate_arguments(llvm_libs)
  # Of the system libraries LLVM names, BPF code generation needs these.
  list(APPEND llvm_libs z zstd rt dl m pthread)
else()
  set(llvm_libs LLVM-19)
endif()

enable_language(ASM)
file(GLOB codegen_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/compiler/codegen/*.cpp)
list(FILTER codegen_sources EXCLUDE REGEX "/codegen_client\\.cpp$")
list(APPEND codegen_sources ${CMAKE_SOURCE_DIR}/compiler/codegen/template_data.S)
add_library(xdpc_codegen MODULE ${codegen_sources})
set_source_files_properties(${CMAKE_SOURCE_DIR}/compiler/codegen/template_data.S PROPERTIES
  OBJECT_DEPENDS "${template_bitcode};${fixed_assembly}"
  COMPILE_OPTIONS "-DXDPC_TEMPLATE_FILE=\"${template_bitcode}\";-DXDPC_FIXED_FILE=\"${fixed_assembly}\""
  LANGUAGE ASM)
set_target_properties(xdpc_codegen PROPERTIES
  OUTPUT_NAME xdpc-codegen PREFIX lib LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
function(xdpc_uses_llvm target)
  target_include_directories(${target} SYSTEM PRIVATE ${llvm_include})
  target_compile_options(${target} PRIVATE -fno-rtti -ffunction-sections -fdata-sections)
  target_link_directories(${target} PUBLIC ${llvm_libdir})
  target_link_libraries(${target} PUBLIC xdpc_ir xdpc_policy xdpc_plan xdpc_artifact xdpc_sets ${llvm_libs})
endfunction()
xdpc_uses_llvm(xdpc_codegen)
if(XDPC_FUZZ) # in the fuzzer's own process, so that what crashes LLVM is a finding
  add_library(xdpc_codegen_linked STATIC EXCLUDE_FROM_ALL ${codegen_sources})
  xdpc_uses_llvm(xdpc_codegen_linked)
endif()
target_link_options(xdpc_codegen PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,-Bsymbolic -Wl,-O1 -Wl,-s)

add_library(xdpc_codegen_client STATIC ${CMAKE_SOURCE_DIR}/compiler/codegen/codegen_client.cpp)
target_link_libraries(xdpc_codegen_client PUBLIC xdpc_options xdpc_ir ${CMAKE_DL_LIBS})
target_compile_definitions(xdpc_codegen_client PRIVATE XDPC_CODEGEN_BUILD_DIR="${CMAKE_BINARY_DIR}")
add_dependencies(xdpc_codegen_client xdpc_codegen)
