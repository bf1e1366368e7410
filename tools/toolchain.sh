#!/usr/bin/env bash
# Provide clang 19 and its sanitizer runtimes, called by `make test`. They are installed where that
# needs no question (root on Debian or Ubuntu); elsewhere one sentence says how, and the tests that
# need them skip with the same sentence. With CI=true those tests fail instead.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
log=build/toolchain.log
packages="clang-19 libclang-rt-19-dev"

present() {
    command -v clang-19 >/dev/null &&
        [ -e "$(clang-19 -print-file-name="libclang_rt.asan-$(uname -m).a")" ]
}

install() {
    # The list of packages may be missing or old: ask for a new one only if the first try fails.
    apt-get install -y -q --no-install-recommends $packages ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends $packages; }
}

present && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "toolchain: installing $packages"
    DEBIAN_FRONTEND=noninteractive install >"$log" 2>&1 </dev/null || tail -n 20 "$log" >&2
fi
present || echo "toolchain: clang 19 with its sanitizers not found, tests that need it are skipped: apt-get install $packages" >&2
