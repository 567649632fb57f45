// Artifact to programs in the kernel: what the verifier says, and runs of one packet.
#pragma once

#include "codegen-templates/abi.h"
#include "compiler/artifact.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::rt {

/// An owned file descriptor.
class Fd {
public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd();
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    int release();

private:
    int fd_;
};

/// What `check --verify` prints.
struct VerifierReport {
    std::string program;                 // the one that is attached
    uint32_t programs = 1;               // that call each other; the figures are of all
    uint32_t instructions = 0;           // of the translated programs
    uint64_t processed_instructions = 0; // by the verifier
    uint32_t stack_bytes = 0;            // the deepest
    struct Map {
        std::string name;
        std::string type;
        uint32_t entries = 0;
        uint64_t bytes = 0; // memlock, as the kernel accounts it
    };
    std::vector<Map> maps;
    uint64_t memory_bytes = 0; // program and maps
    double load_ms = 0;
};

/// The verifier said no. `line` is of the policy where the log's last source line names one, else 0.
struct Refusal {
    std::string file;
    uint32_t line = 0;
    std::string reason;                // the verifier's last word: "R1 invalid mem access 'scalar'"
    std::vector<std::string> log_tail; // last lines of the log
};
struct LoadError {
    Error error;
    std::optional<Refusal> refusal;
};

/// An interface's name as programs compare it: 16 zero-padded bytes as two big-endian halves.
void pack_name(const std::string& name, xdpc_u64& hi, xdpc_u64& lo);

/// The array of programs of an object that has several. It empties itself when nobody holds or pins it.
inline constexpr const char* programs_map = "programs";

/// For which interface a program is loaded: fills `.rodata.bind`.
struct Binding {
    std::string iifname;
    uint32_t generation = 0; // for events
};

/// What lasts from packet to packet (load_state.h).
struct LoadedState;
/// A program's instructions (hooks.h).
struct Code;

/// A loaded program with its maps, and the programs that it goes on to; not attached. Move-only.
class Loaded {
public:
    struct Impl;
    explicit Loaded(std::unique_ptr<Impl> impl);
    Loaded(Loaded&&) noexcept;
    Loaded& operator=(Loaded&&) noexcept;
    ~Loaded();
    [[nodiscard]] int program_fd() const;
    [[nodiscard]] uint32_t program_id() const;
    /// -1 if the program has no such map ("counters").
    [[nodiscard]] int map_fd(const std::string& name) const;
    [[nodiscard]] const VerifierReport& report() const;
    [[nodiscard]] const Artifact& artifact() const;
    /// The mapped `.data.test` of an instrumented program; null otherwise.
    [[nodiscard]] xdpc_test_area* test_area() const;
    [[nodiscard]] LoadedState& state() const;
    /// The programs as compiled, with ids of maps in the place of descriptors; none if they have no hooks.
    [[nodiscard]] const std::vector<Code>& code() const;
    /// Puts what the state has for tables that programs write into them; see load_state.h.
    Result<void> fill_tables(uint64_t now,
                             std::vector<std::pair<uint32_t, std::vector<uint32_t>>>* added) const;
    /// Limits, quotas and cursors that do not go on from an earlier program: to their beginning.
    Result<void> begin_state() const;

private:
    std::unique_ptr<Impl> impl_;
};

struct LoadOptions {
    Binding binding;
    bool measure = false; // ask for processed instructions and stack (verifier log level 4)
    std::shared_ptr<LoadedState> state = {}; // taken over; none: all is begun anew
    /// Maps of a running program that this one shares, by name; those of another shape are made anew.
    std::vector<std::pair<std::string, int>> shared = {};
    bool hooks = false; // the programs tell what they decide; else what would is left out (hooks.h)
};
/// `artifact` has to live as long as what is loaded.
tl::expected<Loaded, LoadError> load_shared(std::shared_ptr<const Artifact> artifact,
                                            const LoadOptions& options);
/// Copies `artifact`.
tl::expected<Loaded, LoadError> load(const Artifact& artifact, const LoadOptions& options = {});

struct RunResult {
    uint32_t action = 0; // enum xdp_action
    std::vector<uint8_t> frame;
    uint32_t duration_ns = 0; // whole nanoseconds a run
};
/// BPF_PROG_TEST_RUN of one frame (14 bytes or more), `repeat` times.
Result<RunResult> test_run(const Loaded& loaded, std::span<const uint8_t> frame, uint32_t repeat = 1);

/// Whether the program sends packets by the kernel's routes.
bool sends_by_routes(const Loaded& loaded);
/// Where it may send them: in the place of all others.
Result<void> fill_ports(const Loaded& loaded, const std::vector<uint32_t>& indices);

struct SlotCount {
    uint64_t packets = 0;
    uint64_t bytes = 0;
};
/// All slots of `counters`, summed over CPUs.
Result<std::vector<SlotCount>> read_counters(int counters_fd, uint32_t slots);
Result<void> clear_counters(int counters_fd, uint32_t slots);

/// Takes sets, limits and quotas of a program that does not run back to their beginning: between tests.
Result<void> reset_state(const Loaded& loaded);
/// What a live set's element has; `expect element` asks for it.
struct FoundElement {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t expires_ns = 0; // on the clock that the program sees; 0: never
    uint32_t value = 0;      // of a map
};
/// The element of set `set` with exactly these ends that has not expired at `now_ns`. In sets without
/// intervals both ends are the same. Words as runtime/STATE.md says.
Result<std::optional<FoundElement>> find_element(const Loaded& loaded, uint32_t set,
                                                 std::span<const uint32_t> low,
                                                 std::span<const uint32_t> high, uint64_t now_ns);

/// Whether this process may load programs: probed by trying.
bool may_load();

} // namespace xdpc::rt
