// For std::visit with a lambda a case, so that a new case does not compile until it is handled.
#pragma once

namespace xdpc {
template<class... F> struct Overloaded : F... {
    using F::operator()...;
};
template<class... F> Overloaded(F...) -> Overloaded<F...>;
} // namespace xdpc
