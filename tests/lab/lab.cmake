# Tests with real traffic: the built xdpc in network namespaces.
if(TARGET xdpc)
  file(GLOB lab_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
  add_executable(test_lab ${lab_sources} ${CMAKE_CURRENT_LIST_DIR}/../harness/netns.cpp)
  target_link_libraries(test_lab PRIVATE xdpc_packet xdpc_oracles nlohmann_json::nlohmann_json GTest::gtest_main)
  target_compile_definitions(test_lab PRIVATE XDPC_BINARY_DIR="${CMAKE_BINARY_DIR}" XDPC_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_dependencies(test_lab xdpc)
  gtest_discover_tests(test_lab DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300 RESOURCE_LOCK xdpc_pins)
endif()
