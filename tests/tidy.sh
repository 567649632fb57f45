#!/bin/bash
# clang-tidy over the sources of a configured build. Usage: tests/tidy.sh [FILE…]; without files, all of compiler/,
# runtime/ and tests/. BUILD names the build folder (default: build).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}
[ -f "$build/compile_commands.json" ] || { echo "no $build/compile_commands.json: run cmake --preset release" >&2; exit 2; }
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files 'compiler/*.cpp' 'runtime/*.cpp' 'tests/*.cpp')
fi
# Only what this build compiles: clang-tidy guesses flags for the rest.
known=()
for file in "${files[@]}"; do
    if grep -qF "$PWD/$file\"" "$build/compile_commands.json"; then
        known+=("$file")
    fi
done
printf '%s\n' "${known[@]}" | nice xargs -P "$(nproc)" -n 1 clang-tidy-19 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*'
