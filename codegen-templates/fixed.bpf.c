/* What is called as it is, compiled to assembly when xdpc is built. */
#include "codegen-templates/events.bpf.c"
#include "codegen-templates/parse.bpf.c"
#include "codegen-templates/reject.bpf.c"
#include "codegen-templates/rewrite.bpf.c"
#include "codegen-templates/route.bpf.c"
#include "codegen-templates/tunnel.bpf.c"
