#!/bin/bash
# Builds the fuzzers and runs each for some seconds (default 20) from the committed seeds and the examples; what they find
# is left in build-fuzz/findings. Usage: tests/fuzz/smoke.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
cmake --preset fuzz >/dev/null
nice ninja -C build-fuzz fuzzers
mkdir -p build-fuzz/findings build-fuzz/corpus/{policy,packet,artifact}
cp -n tests/fuzz/corpus/policy/* tests/bench/policies/*_1*.xdp build-fuzz/corpus/policy/
cp -n examples/rules/*.xdp build-fuzz/corpus/policy/ 2>/dev/null || true
cp -n tests/fuzz/corpus/packet/* build-fuzz/corpus/packet/
cp -n tests/fuzz/corpus/artifact/* build-fuzz/corpus/artifact/
for target in policy packet artifact; do
    dictionary=()
    [ -f "tests/fuzz/$target.dict" ] && dictionary=("-dict=tests/fuzz/$target.dict")
    echo "fuzz_$target for $seconds s"
    "build-fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/findings/$target-" "${dictionary[@]}" "build-fuzz/corpus/$target" \
        2>"build-fuzz/findings/$target.log" || { tail -40 "build-fuzz/findings/$target.log"; exit 1; }
    grep -E 'executed_units|^Done' "build-fuzz/findings/$target.log" || true
done
