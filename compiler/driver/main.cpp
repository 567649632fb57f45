#include "compiler/driver/command.h"

int main(int argc, char** argv) {
    return xdpc::driver::run(argc, argv);
}
