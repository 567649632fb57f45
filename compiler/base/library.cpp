#include "compiler/base/library.h"

#include <dlfcn.h>

namespace xdpc {

void* load_library(const char* const* names) {
    for (; *names != nullptr; ++names) {
        if (void* library = dlopen(*names, RTLD_LAZY | RTLD_LOCAL)) {
            return library;
        }
    }
    return nullptr;
}

void* function_of(void* library, const char* name) {
    return library == nullptr ? nullptr : dlsym(library, name);
}

} // namespace xdpc
