# Tests of runtime/ with real kernel objects: small BPF programs written in C stand in for compiled policies, so that
# this needs nothing of the compiler.
set(runtime_objects)
function(runtime_object name)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.o)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/bpf
    COMMAND ${CLANG} -O2 -g -target bpf -mcpu=v3 -Wall -Werror ${ARGN}
            -I${CMAKE_SOURCE_DIR} -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/kernel/count.bpf.c -o ${output}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernel/count.bpf.c ${CMAKE_SOURCE_DIR}/codegen-templates/abi.h
    VERBATIM)
  set(runtime_objects ${runtime_objects} ${output} PARENT_SCOPE)
endfunction()
runtime_object(count)
runtime_object(count_reversed -DREVERSED)
runtime_object(probe -DPROBE)
runtime_object(refused -DREFUSED)
runtime_object(instrumented -DINSTRUMENTED)
add_custom_target(runtime_test_objects DEPENDS ${runtime_objects})

file(GLOB runtime_test_sources CONFIGURE_DEPENDS kernel/runtime_*.cpp)
add_executable(test_runtime ${runtime_test_sources} harness/netns.cpp)
add_dependencies(test_runtime runtime_test_objects)
target_link_libraries(test_runtime PRIVATE xdpc_runtime GTest::gtest_main)
target_compile_definitions(test_runtime PRIVATE XDPC_BPF_DIR="${CMAKE_CURRENT_BINARY_DIR}/bpf"
  XDPC_BPF_SOURCE="${CMAKE_CURRENT_LIST_DIR}/count.bpf.c")
gtest_discover_tests(test_runtime DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600 RESOURCE_LOCK xdpc_pins)
