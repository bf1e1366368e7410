#!/usr/bin/env bash
# Provide what Python packages cannot, called by `make test` and `make firmware`: clang 19 with its
# sanitizers, the ARM cross compiler, the emulator, and valgrind to count instructions. What is missing
# is installed where that needs no question (root on Debian or Ubuntu); elsewhere one sentence says how,
# and the tests that need it skip with the same sentence. With CI=true those tests fail instead.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
log=build/toolchain.log

missing() {
    if ! command -v clang-19 >/dev/null ||
        [ ! -e "$(clang-19 -print-file-name="libclang_rt.asan-$(uname -m).a")" ]; then
        echo clang-19 libclang-rt-19-dev
    fi
    command -v arm-none-eabi-gcc >/dev/null || echo gcc-arm-none-eabi
    command -v qemu-system-arm >/dev/null || echo qemu-system-arm
    command -v valgrind >/dev/null || echo valgrind
}

install() {
    # The list of packages may be missing or old: ask for a new one only if the first try fails.
    apt-get install -y -q --no-install-recommends "$@" ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; }
}

packages="$(echo $(missing))"
[ -z "$packages" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "toolchain: installing $packages"
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive install $packages >"$log" 2>&1 </dev/null || tail -n 20 "$log" >&2
fi
packages="$(echo $(missing))"
[ -z "$packages" ] ||
    echo "toolchain: missing, and what needs it is skipped: apt-get install $packages" >&2
