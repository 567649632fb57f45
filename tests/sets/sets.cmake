# Live sets in the kernel: tests of the look-up, and xdpc-bench-sets.
set(sets_object ${CMAKE_CURRENT_BINARY_DIR}/bpf/lookups.o)
add_custom_command(OUTPUT ${sets_object}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/bpf
  COMMAND ${CLANG} -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR}
          -I/usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu
          -c ${CMAKE_CURRENT_SOURCE_DIR}/sets/lookups.bpf.c -o ${sets_object}
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sets/lookups.bpf.c ${CMAKE_SOURCE_DIR}/codegen-templates/sets.h
          ${CMAKE_SOURCE_DIR}/codegen-templates/sets_search.h
          ${CMAKE_SOURCE_DIR}/codegen-templates/abi.h
  COMMENT "BPF lookups" VERBATIM)
add_custom_target(sets_test_object DEPENDS ${sets_object})

add_library(xdpc_kernel_set STATIC sets/kernel_set.cpp)
target_link_libraries(xdpc_kernel_set PUBLIC xdpc_sets PkgConfig::LIBBPF)
target_compile_definitions(xdpc_kernel_set PRIVATE XDPC_SETS_OBJECT="${sets_object}")
add_dependencies(xdpc_kernel_set sets_test_object)

add_executable(test_kernel_sets sets/kernel_sets_test.cpp)
target_link_libraries(test_kernel_sets PRIVATE xdpc_kernel_set GTest::gtest_main)
gtest_discover_tests(test_kernel_sets DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600)

add_executable(xdpc-bench-sets sets/bench.cpp sets/workload.cpp)
target_link_libraries(xdpc-bench-sets PRIVATE xdpc_kernel_set)
set_target_properties(xdpc-bench-sets PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
