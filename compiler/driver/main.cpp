#include "compiler/driver/command.h"

#include <cstdio>
#include <new>

int main(int argc, char** argv) {
    try {
        return xdpc::driver::run(argc, argv);
    } catch (const std::bad_alloc&) {
        std::fputs("xdpc: error: there is not enough memory\n", stderr);
        return xdpc::driver::ExitSystem;
    }
}
