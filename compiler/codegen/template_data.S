# The bitcode of codegen-templates inside the shared object.
    .section .rodata
    .balign 16
    .globl xdpc_template_begin
    .hidden xdpc_template_begin
xdpc_template_begin:
    .incbin XDPC_TEMPLATE_FILE
    .globl xdpc_template_end
    .hidden xdpc_template_end
xdpc_template_end:
    .section .note.GNU-stack,"",%progbits
