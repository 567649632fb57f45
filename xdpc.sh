#!/usr/bin/env bash
# Installs, builds, tests and shows xdpc on Debian 12. `./xdpc.sh help` lists what it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Every Debian package that building, testing and the demo need; the one list.
packages=(
    g++ cmake ninja-build ccache pkg-config
    llvm-19-dev clang-19 libclang-rt-19-dev clang-format-19 clang-tidy-19
    tao-pegtl-dev libcli11-dev libfmt-dev nlohmann-json3-dev libexpected-dev libgtest-dev
    libbpf-dev libelf-dev libpcap-dev libssl-dev zlib1g-dev libzstd-dev
    bpftool iproute2 iputils-ping ethtool nftables iptables ipset xdp-tools python3 python3-scapy jq libxml2-utils tshark strace
)
# What the guests of `kernels` need beside them, and one of the tests.
guest_packages=(qemu-system-x86 busybox-static)
build=build
xdpc=$build/xdpc
traffic=(/usr/bin/python3 tests/harness/traffic.py)

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
    printf 'xdpc.sh: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root (or sudo) for: $*"
    fi
}

# install_packages [PACKAGE…]: the list above, and those.
install_packages() {
    command -v dpkg-query >/dev/null || fail "this is not Debian; install by hand: ${packages[*]} $*"
    local missing=() package
    for package in "${packages[@]}" "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

# build [TARGET…]: the program alone unless targets are named.
build() {
    install_packages
    [[ -f $build/build.ninja ]] || cmake --preset release >/dev/null
    say "building"
    ninja -C "$build" "${@:-xdpc}"
}

needs_root() {
    # The rest of the script again, as root: namespaces and BPF need it.
    ((EUID == 0)) || exec sudo -- "$0" "$@"
}

# ---- two namespaces joined by a veth pair --------------------------------------------------------------
# a is the outside, b the machine that is protected.

in_a() { nsenter --net="/run/netns/$ns_a" "$@"; }
in_b() { nsenter --net="/run/netns/$ns_b" "$@"; }
# In the background, so that $! is the program itself and not a shell around it.
exec_in_a() { exec nsenter --net="/run/netns/$ns_a" "$@"; }
exec_in_b() { exec nsenter --net="/run/netns/$ns_b" "$@"; }

lab_up() {
    local name=$1
    ns_a=$name-a ns_b=$name-b
    lab_down "$name"
    ip netns add "$ns_a"
    ip netns add "$ns_b"
    ip link add out netns "$ns_a" type veth peer name in netns "$ns_b"
    local address
    in_a ip link set lo up
    in_b ip link set lo up
    in_a ip link set out up
    in_b ip link set in up
    # The office, a stranger, a blocked source; the machine.
    for address in 198.51.100.9/24 203.0.113.9/32 192.0.2.66/32; do
        in_a ip address add "$address" dev out
    done
    in_a ip -6 address add 2001:db8:1::9/64 dev out nodad
    in_b ip address add 198.51.100.1/24 dev in
    in_b ip -6 address add 2001:db8:1::1/64 dev in nodad
    in_b ip route add 203.0.113.9/32 dev in
    in_b ip route add 192.0.2.66/32 dev in
}

lab_down() {
    local ns
    for ns in "$1-b" "$1-a"; do
        [[ -e /run/netns/$ns ]] || continue
        # What is attached there goes with the namespace, but its pins are ours to remove.
        if [[ $ns == *-b && -x $xdpc ]]; then
            nsenter --net="/run/netns/$ns" "$xdpc" detach -i in >/dev/null 2>&1 || true
        fi
        ip netns del "$ns"
    done
}

# ---- demo -----------------------------------------------------------------------------------------------

pids=()
demo_end() {
    local code=$?
    ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
    lab_down xdpc-demo
    [[ -z ${work:-} ]] || rm -rf "$work"
    exit "$code"
}

# wait_ready FILE: until a server has said so.
wait_ready() {
    local i
    for i in {1..100}; do
        grep -q ready "$1" 2>/dev/null && return
        sleep 0.05
    done
    fail "a server did not start: $(cat "$1")"
}

expect_connect() {
    local what=$1 source=$2 port=$3 wanted=$4
    printf '  %-58s ' "$what"
    in_a "${traffic[@]}" connect 198.51.100.1 "$port" --source "$source" --expect "$wanted" ||
        fail "$what: not as the policy says"
}

# packets_of RULE: what `xdpc stats` counts for it.
packets_of() {
    in_b "$xdpc" stats -i in --json | jq -r --arg rule "$1" '.interfaces[0].rules[] | select(.rule == $rule) | .packets'
}

demo_traffic() {
    say "real traffic: ping and TCP connects across the veth pair"
    printf '  %-58s ' "ping from the office"
    in_a ping -q -c 3 -i 0.2 -W 1 198.51.100.1 >/dev/null && echo answered || fail "no answer to ping"
    expect_connect "office to ssh (open)" 198.51.100.9 22 open
    expect_connect "office to the web (open)" 198.51.100.9 80 open
    expect_connect "office to a web port nobody listens on" 198.51.100.9 8081 closed
    expect_connect "office to telnet (no rule)" 198.51.100.9 23 dropped
    expect_connect "stranger to the web (open)" 203.0.113.9 80 open
    expect_connect "stranger to ssh (the office's alone)" 203.0.113.9 22 dropped
    expect_connect "blocked source to the web" 192.0.2.66 80 dropped
    say "xdpc stats -i in"
    in_b "$xdpc" stats -i in
    local rule
    for rule in echo ssh web blocked policy; do
        (($(packets_of "$rule") > 0)) || fail "rule $rule counted nothing"
    done
}

demo_swap() {
    say "swapping in a changed policy, again and again, under load"
    cp -r examples/rules "$work/rules"
    sed '/^    web: /i\    metrics: saddr $office tcp dport 9100 pass' examples/rules/edge.xdp >"$work/rules/changed.xdp"
    diff -u --label edge.xdp --label changed.xdp examples/rules/edge.xdp "$work/rules/changed.xdp" | grep '^[+-]' || true
    local passed_before dropped_before
    passed_before=$(packets_of answer) dropped_before=$(packets_of question)
    exec_in_b "${traffic[@]}" receive >"$work/received" &
    pids+=($!)
    local receiver=$!
    wait_ready "$work/received"
    exec_in_a "${traffic[@]}" stream 198.51.100.1 --source 198.51.100.9 >"$work/sent" &
    pids+=($!)
    local sender=$! i
    sleep 0.5
    for i in 1 2 3; do
        in_b "$xdpc" apply "$work/rules/changed.xdp" -i in --mode native | grep -E 'swapped|added'
        sleep 0.3
        in_b "$xdpc" apply examples/rules/edge.xdp -i in --mode native >/dev/null
        sleep 0.3
    done
    kill -TERM "$sender" && wait "$sender"
    sleep 0.5
    kill -TERM "$receiver" && wait "$receiver"
    pids=("${pids[@]:0:1}")
    local sent received leaked counted_pass counted_drop
    sent=$(jq .answers "$work/sent")
    received=$(tail -n 1 "$work/received" | jq .answers)
    leaked=$(tail -n 1 "$work/received" | jq .questions)
    counted_pass=$(($(packets_of answer) - passed_before))
    counted_drop=$(($(packets_of question) - dropped_before))
    echo
    echo "  sent     $sent packets that both policies pass, $sent that both drop, during 6 swaps"
    echo "  received $received and $leaked"
    echo "  counted  $counted_pass passed and $counted_drop dropped"
    echo "  lost $((sent - received)), leaked $leaked"
    ((sent > 1000)) || fail "too little traffic to tell"
    ((sent == received && leaked == 0)) || fail "packets were lost or leaked"
    ((counted_pass == sent && counted_drop == sent)) || fail "the counters do not add up"
}

demo() {
    build
    say "xdpc test examples/rules/edge.xdp"
    "$xdpc" test examples/rules/edge.xdp
    needs_root demo
    work=$(mktemp -d)
    trap demo_end EXIT
    trap 'exit 130' INT TERM
    say "two network namespaces, joined by a veth pair"
    lab_up xdpc-demo
    echo "  $ns_a (the world) --- $ns_b (the machine that is protected)"
    exec_in_b "${traffic[@]}" serve --tcp 22 80 23 >"$work/server" &
    pids+=($!)
    wait_ready "$work/server"
    say "xdpc apply examples/rules/edge.xdp -i in --mode native"
    in_b "$xdpc" apply examples/rules/edge.xdp -i in --mode native
    in_b "$xdpc" show
    demo_traffic
    demo_swap
    say "why would a packet be dropped? xdpc trace -i in 'ip saddr 203.0.113.9 / tcp dport 22'"
    in_b "$xdpc" trace -i in 'ip saddr 203.0.113.9 / tcp dport 22'
    say "taking it off"
    in_b "$xdpc" detach -i in
    expect_connect "stranger to ssh, now that nothing filters" 203.0.113.9 22 open
    say "demo: all as the policy says"
}

# ---- lab ------------------------------------------------------------------------------------------------

lab() {
    if [[ ${1:-} == down ]]; then
        needs_root lab down
        lab_down xdpc-lab
        echo "the lab is gone"
        return
    fi
    build
    needs_root lab
    lab_up xdpc-lab
    cat <<HELP

The lab is up: namespace $ns_a (the world, interface out) and $ns_b (the machine, interface in).
Addresses of the world: 198.51.100.9 (office), 203.0.113.9 (stranger), 192.0.2.66 (blocked).

  b='sudo nsenter --net=/run/netns/$ns_b'   a='sudo nsenter --net=/run/netns/$ns_a'
  \$b $PWD/$xdpc apply examples/rules/edge.xdp -i in
  \$b /usr/bin/python3 tests/harness/traffic.py serve --tcp 22 80 &
  \$a ping -c 3 198.51.100.1
  \$a /usr/bin/python3 tests/harness/traffic.py connect 198.51.100.1 22 --source 203.0.113.9
  \$b $PWD/$xdpc stats -i in --watch

./xdpc.sh lab down takes it away.
HELP
}

# ---- tests ----------------------------------------------------------------------------------------------

# attribute NAME FILE: of the root element of CTest's JUnit file.
attribute() { grep -m 1 -oP "(?<![a-z])$1=\"\K[0-9]+" "$2"; }

run_tests() {
    install_packages "${guest_packages[@]}"
    build all
    say "testing"
    local report=$build/tests.xml code=0
    rm -f "$report"
    (cd "$build" && ctest -j "$(nproc)" --output-on-failure --progress --output-junit tests.xml "$@") || code=$?
    [[ -f $report ]] || fail "ctest wrote no report"
    local all failed skipped disabled
    all=$(attribute tests "$report") failed=$(attribute failures "$report")
    skipped=$(attribute skipped "$report") disabled=$(attribute disabled "$report")
    if ((skipped + disabled > 0)); then
        printf '\n\033[1;31mSKIPPED TESTS:\033[0m\n'
        grep -E 'status="(notrun|disabled)"' "$report" | grep -oP '<testcase name="\K[^"]+' | sed 's/^/  /'
    fi
    ((all > 0)) || fail "there was no test to run"
    echo
    echo "$((all - failed - skipped - disabled)) passed, $failed failed, $((skipped + disabled)) skipped"
    return "$code"
}

# bench [ARGUMENTS of xdpc-bench] | apply | live [rules] | sets | limits | rules | plot, each with the arguments of
# its command
bench() {
    case ${1:-} in
        sets) build xdpc-bench-sets test_kernel_sets ;;
        limits) build test_kernel ;;
        *) build all ;;
    esac
    export XDPC_BUILD=$PWD/$build
    if [[ ${1:-} == sets ]]; then
        needs_root bench "$@"
        "$build/xdpc-bench-sets" "${@:2}"
        say "found as by the kernel's trie, while others are added and removed; replaced at once"
        "$build/tests/test_kernel_sets" --gtest_brief=1 --gtest_filter='KernelSetsBesideTheTrie.*:KernelSetsReplaced.*'
    elif [[ ${1:-} == limits ]]; then
        needs_root bench "$@"
        "$build/tests/test_kernel" --gtest_brief=1 --gtest_filter='CodegenStateFlood.*'
    elif [[ ${1:-} == apply ]]; then
        needs_root bench "$@"
        tests/bench/apply.py "${@:2}"
    elif [[ ${1:-} == live && ${2:-} == rules ]]; then
        needs_root bench "$@"
        tests/bench/live/rules.py "${@:3}"
    elif [[ ${1:-} == live ]]; then
        needs_root bench "$@"
        tests/bench/live/sets.py "${@:2}"
    elif [[ ${1:-} == plot ]]; then
        tests/bench/plot.py "${@:2}"
    elif [[ ${1:-} == rules || ${1:-} == --rules ]]; then
        [[ $1 == --rules ]] || shift
        "$build/xdpc-bench-rules" "$@"
    else
        "$build/xdpc-bench" "$@"
    fi
}

# N random policies with random packets each, evaluator against kernel; then a while of libFuzzer if asked for.
fuzz() {
    build all
    "$build/xdpc-fuzz" "${1:-300}"
    [[ ${2:-} != --libfuzzer ]] || tests/fuzz/smoke.sh "${3:-60}"
}

# Generated rule sets and large random policies, kernel against evaluator (arguments of xdpc-verify-rules).
verify_rules() {
    build all
    needs_root verify-rules "$@"
    "$build/xdpc-verify-rules" "$@"
}

# N applies of policies that share state, under traffic.
soak_applies() {
    build test_lab xdpc
    needs_root soak-applies "$@"
    XDPC_SOAK_APPLIES=${1:-500} "$build/tests/test_lab" --gtest_filter='LabSoak.*'
}

# N swaps of two policies of 100,000 rules, built once, under traffic.
soak_swaps() {
    build test_lab xdpc
    needs_root soak-swaps "$@"
    XDPC_SOAK_APPLIES=${1:-100} XDPC_SOAK_RULES=${2:-100000} "$build/tests/test_lab" --gtest_filter='LabLarge.*'
}

# Every system call of apply, detach and set fails in turn, or the process is killed there (arguments of matrix.py).
faults() {
    build xdpc xdpc_codegen
    needs_root faults "$@"
    tests/faults/matrix.py "$@"
}

# nft as judge of rule lines (arguments of tests/differential/run).
judge() {
    build xdpc xdpc_codegen xdpc-frames
    needs_root judge "$@"
    tests/differential/run "$@"
}

# Debian's 6.1 and 6.12 under qemu with the built programs inside (arguments of tests/guest/kernels.py).
kernels() {
    install_packages "${guest_packages[@]}"
    build xdpc xdpc_codegen test_kernel test_kernel_sets test_runtime test_lab test_differential
    tests/guest/kernels.py --build "$build" "$@"
}

help() {
    cat <<'HELP'
usage: ./xdpc.sh COMMAND

  demo      install, build, and show it: a policy on a veth pair, real traffic, a swap under load
  build     install the packages that are missing and build build/xdpc
  test      install, build, and run all tests (arguments go to ctest: -R NAME)
  bench     measure, beside hand-written C (arguments go to xdpc-bench: --json FILE)
            `bench rules`: large rule sets, generated or --rules FILE [--trace FILE] in ClassBench's
            text format; `bench apply`: from text to attached beside nft, iptables and clang;
            `bench live rules`: rule sets with real frames over veth beside nft, iptables, ipset and
            xdp-filter; `bench live`: live sets beside nft's (`--adds`: one more element alone);
            `bench sets`: look-ups of sets beside the kernel's HASH and LPM_TRIE; `bench limits`: one of
            50,000 sources floods; `bench plot FILE.json -o FILE.svg`
  fuzz N    N random policies with random packets each, evaluator against kernel;
            `fuzz N --libfuzzer SECONDS` also fuzzes parser, checker and planner
  verify-rules
            generated rule sets and large random policies: verdict, deciding rule and counters of every
            packet in the kernel as by the evaluator (--smoke, --sizes, --packets, --seeds, --policies)
  soak-applies [N]
            500 or N applies under traffic of policies that share sets, limits, quotas and counters:
            nothing may be lost
  soak-swaps [N [RULES]]
            100 or N swaps of two policies of 100,000 or RULES rules under traffic: every packet meets one
            of the two, none gets past both
  faults [--every N] [--operations NAMES] [--json FILE]
            each system call of apply, detach and set fails in turn, with each error, or the process is
            killed there: a table of what runs then
  judge [FILE] [--frames N] [--seed N] [--pcap FILE] [--json FILE]
            rule lines that nft takes as well, or those of FILE: the same frames through both
  kernels [6.1|6.12]
            boots Debian's kernels under qemu (no KVM, no root) and runs xdpc and its tests inside;
            features and results by kernel (--checks NAMES, --cpus, --json FILE, --timeout)
  lab       two namespaces to play with, left up; `lab down` takes them away
  help      this
HELP
}

command=${1:-help}
shift || true
case $command in
    demo) demo "$@" ;;
    build) build "$@" ;;
    test) run_tests "$@" ;;
    bench) bench "$@" ;;
    fuzz) fuzz "$@" ;;
    verify-rules) verify_rules "$@" ;;
    faults) faults "$@" ;;
    judge) judge "$@" ;;
    kernels) kernels "$@" ;;
    lab) lab "$@" ;;
    soak-applies) soak_applies "$@" ;;
    soak-swaps) soak_swaps "$@" ;;
    help | -h | --help) help ;;
    *)
        help >&2
        exit 2
        ;;
esac
