// What was wrong with a change, in words.
#include "runtime/sets/table.h"

namespace xdpc::sets {

std::string describe(const Failure& failure, const Shape& shape) {
    switch (failure.problem) {
    case Problem::Full:
        return "is one too many: the set is full, its size is " + std::to_string(shape.size);
    case Problem::Exists:
        return "is already in the set";
    case Problem::Overlaps:
        return "overlaps an element of the set, which is without auto-merge";
    case Problem::Missing:
        return "is not in the set";
    case Problem::TooMany:
        return failure.needed
                   ? "takes " + std::to_string(failure.needed) +
                         " entries, more than are free in a set of size " + std::to_string(shape.size)
                   : std::string("needs one more combination than a set can have");
    case Problem::Comments:
        return "has a comment for which there is no room";
    case Problem::Rebuild:
        return "cannot be changed in place";
    }
    return {};
}

} // namespace xdpc::sets
