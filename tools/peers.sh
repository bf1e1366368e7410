#!/usr/bin/env bash
# Install what `make bench` compares d7xr with, called by it. Each is optional: what cannot be installed here is said in one
# sentence, and its row in the table says the same.
set -u
cd "$(dirname "$0")/.."
mkdir -p build
log=build/peers.log
python=.venv/bin/python

for package in hilspy polars opendbc; do
    if ! "$python" -c "import $package" 2>/dev/null; then
        echo "peers: installing $package"
        "$python" -m pip install --quiet -c constraints.txt "$package" >>"$log" 2>&1 ||
            echo "peers: $package is left out: it does not install here ($log says why)" >&2
    fi
done

if ! command -v log2asc >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "peers: installing can-utils"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends can-utils >>"$log" 2>&1 </dev/null
    fi
    command -v log2asc >/dev/null || echo "peers: can-utils is left out: apt-get install can-utils" >&2
fi
exit 0
