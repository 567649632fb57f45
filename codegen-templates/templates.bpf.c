/* All fixed code as one file of bitcode. */
#include "codegen-templates/events.bpf.c"
#include "codegen-templates/live_sets.bpf.c"
#include "codegen-templates/parse.bpf.c"
#include "codegen-templates/reject.bpf.c"
#include "codegen-templates/rewrite.bpf.c"
#include "codegen-templates/route.bpf.c"
#include "codegen-templates/state.bpf.c"
#include "codegen-templates/tunnel.bpf.c"
