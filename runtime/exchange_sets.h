// New arrays for sets of the policy that runs, put in the old ones' stead all together or not at all
// (PROTOCOL.md, "set").
#pragma once

#include "runtime/state_maps.h"

namespace xdpc::rt {

/// Nothing that runs has changed until commit(). The interface's lock must be held.
class Exchange {
public:
    explicit Exchange(std::string generation_path) : path_(std::move(generation_path)) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    /// `carry`, of make_carry(): the counters that the new array began with; none where the set counts
    /// nothing.
    Result<void> add(uint32_t set, const SetArray& array, const Fd& carry);
    /// An Error may leave the old or the new sets; the next command goes on with it.
    Result<void> commit();

private:
    std::string path_;
    bool staged_ = false;
};

/// Sets that rules write are about to be replaced: from here on finish_exchange() settles what is half in.
Result<void> begin_replacing(const std::string& generation_path);
/// Of sets that rules write: what is not in them by their epochs goes, all else stays (replace_dynamic.cpp).
Result<void> settle_dynamic(const std::string& generation_path);

/// Goes on with, or takes back, what a killed command began.
Result<void> finish_exchange(const std::string& generation_path);

} // namespace xdpc::rt
