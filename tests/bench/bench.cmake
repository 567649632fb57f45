# xdpc-bench, the hand-written programs it compares with, and the loader they are attached with.
set(bench_dir ${CMAKE_CURRENT_LIST_DIR})
set(bench_objects ${CMAKE_BINARY_DIR}/bench)
set(bench_include /usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
file(MAKE_DIRECTORY ${bench_objects})
file(GLOB bench_programs CONFIGURE_DEPENDS ${bench_dir}/*.bpf.c ${bench_dir}/hand/*.bpf.c
  ${bench_dir}/live/*.bpf.c)
set(bench_outputs)
foreach(program ${bench_programs})
  get_filename_component(name ${program} NAME_WLE)
  set(object ${bench_objects}/${name}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CLANG} -O2 -g -target bpf -mcpu=v3 -Wall -Werror -I ${bench_include} -c ${program} -o ${object}
    DEPENDS ${program} ${bench_dir}/hand/hand.h ${bench_dir}/trace_layout.h
    COMMENT "BPF ${name}" VERBATIM)
  list(APPEND bench_outputs ${object})
endforeach()
add_custom_target(xdpc_bench_programs DEPENDS ${bench_outputs})

add_executable(xdpc-bench-load ${bench_dir}/load_tool.cpp)
target_link_libraries(xdpc-bench-load PRIVATE xdpc_options PkgConfig::LIBBPF)
add_executable(xdpc-bench-frames ${bench_dir}/live/frames_tool.cpp)
target_link_libraries(xdpc-bench-frames PRIVATE xdpc_options PkgConfig::LIBBPF)
add_executable(xdpc-rulegen ${bench_dir}/rules/rulegen_tool.cpp)
target_link_libraries(xdpc-rulegen PRIVATE xdpc_oracles CLI11::CLI11)
set_target_properties(xdpc-rulegen PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set_target_properties(xdpc-bench-frames PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_dependencies(xdpc-bench-frames xdpc_bench_programs)

if(TARGET xdpc_codegen_client AND TARGET xdpc)
  file(GLOB bench_sources CONFIGURE_DEPENDS ${bench_dir}/*.cpp)
  list(FILTER bench_sources EXCLUDE REGEX "/load_tool\\.cpp$")
  add_executable(xdpc-bench ${bench_sources})
  target_link_libraries(xdpc-bench PRIVATE xdpc_compiler xdpc_runtime PkgConfig::LIBBPF)
  target_compile_definitions(xdpc-bench PRIVATE XDPC_BENCH_SOURCES="${bench_dir}" XDPC_BENCH_OBJECTS="${bench_objects}"
    XDPC_BENCH_XDPC="$<TARGET_FILE:xdpc>" XDPC_BENCH_LOADER="$<TARGET_FILE:xdpc-bench-load>"
    XDPC_BENCH_CLANG="${CLANG}" XDPC_BENCH_INCLUDE="${bench_include}")
  set_target_properties(xdpc-bench xdpc-bench-load PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_dependencies(xdpc-bench xdpc_bench_programs xdpc xdpc-bench-load)
  add_executable(xdpc-bench-rules ${bench_dir}/rules/rules_bench.cpp ${bench_dir}/packet_cost.cpp)
  target_link_libraries(xdpc-bench-rules PRIVATE xdpc_oracles xdpc_compiler xdpc_runtime PkgConfig::LIBBPF CLI11::CLI11)
  target_compile_definitions(xdpc-bench-rules PRIVATE XDPC_BENCH_OBJECTS="${bench_objects}")
  set_target_properties(xdpc-bench-rules PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_dependencies(xdpc-bench-rules xdpc_bench_programs xdpc_codegen)
  add_test(NAME bench_rules_smoke COMMAND xdpc-bench-rules --smoke --sizes 100)
  set_tests_properties(bench_rules_smoke PROPERTIES TIMEOUT 300 RUN_SERIAL TRUE)
  # The method still works; no time is asserted.
  add_test(NAME bench_smoke COMMAND xdpc-bench --smoke --json ${bench_objects}/smoke.json)
  set_tests_properties(bench_smoke PROPERTIES TIMEOUT 300 RUN_SERIAL TRUE)
endif()
