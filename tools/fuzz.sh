#!/usr/bin/env bash
# Fuzz firmware and trace readers for as long as you like: fuzz.sh SECONDS [NAME]
# Names: link receive candump asc trc csv gvret blf mf4.
# Each fuzzer runs that long, one after the other. What it learns stays in build/fuzz/corpus and is where the next call
# goes on; an input that breaks something is kept in build/fuzz/found, and `build/fuzz/fuzz_NAME FILE` repeats it.
set -eu
cd "$(dirname "$0")/.."
seconds="${1:-}"
all="link receive candump asc trc csv gvret blf mf4"
targets="${2:-$all}"

usage() {
    echo "usage: fuzz.sh SECONDS [NAME], one of $all" >&2
    exit 2
}

case "$seconds" in '' | *[!0-9]*) usage ;; esac
case " $all " in *" $targets "*) ;; *) usage ;; esac
.venv/bin/python -m tests.fuzz.build build/fuzz >/dev/null || exit 3
for target in $targets; do
    corpus="build/fuzz/corpus/$target"
    mkdir -p "$corpus" build/fuzz/found
    echo "fuzz: $target, $seconds s, starting from $(find "$corpus" "tests/fuzz/seeds/$target" -type f | wc -l) inputs"
    if ! "build/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=2048 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$target-" "$corpus" "tests/fuzz/seeds/$target" >"build/fuzz/$target.log" 2>&1; then
        grep -E 'ERROR|runtime error|Test unit written' "build/fuzz/$target.log" >&2 || tail -n 20 "build/fuzz/$target.log" >&2
        echo "fuzz: $target found something; the whole report is build/fuzz/$target.log" >&2
        exit 1
    fi
    echo "fuzz: $target, nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log") runs"
done
