# Bitcode and assembly of codegen-templates inside the shared object.
    .section .rodata
    .balign 16
    .globl xdpc_template_begin
    .hidden xdpc_template_begin
xdpc_template_begin:
    .incbin XDPC_TEMPLATE_FILE
    .globl xdpc_template_end
    .hidden xdpc_template_end
xdpc_template_end:
    .balign 16
    .globl xdpc_fixed_begin
    .hidden xdpc_fixed_begin
xdpc_fixed_begin:
    .incbin XDPC_FIXED_FILE
    .globl xdpc_fixed_end
    .hidden xdpc_fixed_end
xdpc_fixed_end:
    .section .note.GNU-stack,"",%progbits
