#!/usr/bin/env bash
# Set up .venv, called by `make setup`.
#   setup.sh dependencies   make .venv and install what is needed to run, to build and to test
#   setup.sh package        build the firmware into the package and install that in place
# Quiet: what the programs say is in build/setup.log and shown only when one of them fails.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
log=build/setup.log
python=.venv/bin/python

fail() {
    echo "setup: $1" >&2
    exit 3
}

quietly() { # what_it_is command...
    local what="$1"
    shift
    if ! "$@" >>"$log" 2>&1; then
        # A compiler's complaint says more than what pip makes of it.
        grep -A 3 ': error: ' "$log" >&2 || tail -n 40 "$log" >&2
        fail "$what failed; all that was said is in $log"
    fi
}

find_python() {
    local candidate
    for candidate in python3.12 python3 python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

dependencies() {
    local base
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
        base="$(find_python)" || fail "Python 3.12 or newer is needed; install it (Debian, Ubuntu: apt-get install python3.12 python3.12-venv; Fedora: dnf install python3.12) and call make again"
        "$base" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$base cannot make virtual environments; install its venv module (Debian, Ubuntu: apt-get install python3-venv) and call make again"
        echo "setup: making .venv with $("$base" --version)"
        quietly "making .venv" "$base" -m venv --clear .venv
    fi
    echo "setup: installing what d7xr and its tests need"
    quietly "installing pip" "$python" -m pip install --quiet --upgrade "pip>=25.1"
    quietly "installing packages" "$python" -m pip install --quiet -c constraints.txt \
        --group dev $("$python" tools/requirements.py)
}

package() {
    command -v gcc >/dev/null ||
        fail "a C compiler is needed; install one (Debian, Ubuntu: apt-get install gcc; Fedora: dnf install gcc) and call make again"
    echo "setup: building the firmware"
    quietly "building the firmware" "$python" -m pip install --quiet --no-deps --no-build-isolation \
        --editable .
    # An installed package is compiled when it comes; this one would be at each start, where Python may not write.
    quietly "compiling the package" "$python" -m compileall -q pyhost/d7xr
}

: >"$log"
case "${1:-}" in
    dependencies | package) "$1" ;;
    *) fail "say what to set up: dependencies or package" ;;
esac
