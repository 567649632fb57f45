# Faults at every step of a command, injected by strace: each 30th call here, all by tests/faults/matrix.py.
if(TARGET xdpc)
  add_test(NAME faults_smoke COMMAND ${CMAKE_CURRENT_LIST_DIR}/matrix.py --every 30)
  set_tests_properties(faults_smoke PROPERTIES TIMEOUT 600 RESOURCE_LOCK xdpc_pins ENVIRONMENT "XDPC_BUILD=${CMAKE_BINARY_DIR}")
endif()
