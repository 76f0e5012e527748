#!/bin/sh
# Give the checkout its Python environment, .venv, on a machine that may have neither Python nor uv.
# Takes a moment and says nothing when everything is there. Safe to run from several shells and to kill.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
requirements=$checkout/embedded/uv-requirements.txt

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# By the XDG rules a relative value counts as none.
case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/mlflow-platform ;;
*) cache=$HOME/.cache/mlflow-platform ;;
esac
# pip and uv bring certificate authorities of their own; a network that presents another one has told the system.
system_certificates=/etc/ssl/certs/ca-certificates.crt
if [ -e "$system_certificates" ]; then
    export SSL_CERT_FILE="${SSL_CERT_FILE:-$system_certificates}" PIP_CERT="${PIP_CERT:-$system_certificates}"
fi

# Prints a Python that is new enough and can make virtual environments.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        found=$(command -v "$name") || continue
        if "$found" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$found"
            return
        fi
    done
    return 1
}

install_python() {
    command -v apt-get >/dev/null ||
        fail "Python 3.11 or newer with venv is needed and this machine has no apt-get to install it: install it by hand."
    [ "$(id -u)" -eq 0 ] ||
        fail "Python 3.11 or newer with venv is needed: run 'apt-get install python3 python3-venv' as root, then this again."
    say "installing python3 and python3-venv with apt-get"
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes python3 python3-venv; } >"$log" 2>&1
    then
        tail -n 12 "$log" >&2
        fail "apt-get could not install python3 and python3-venv (whole log: $log): check the network, then run this again."
    fi
    rm -f "$log"
}

version=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' "$requirements")
uv=$cache/uv-$version
if [ ! -x "$uv" ] || ! "$checkout/.venv/bin/python" -c '' 2>/dev/null; then
    if ! python=$(find_python); then
        install_python
        python=$(find_python) ||
            fail "the python3 that apt-get installed is older than 3.11 (see 'python3 --version'): use Debian 12, Ubuntu 24.04 or newer."
    fi
    export UV_PYTHON="$python"
fi

if [ ! -x "$uv" ]; then
    say "installing uv $version into $cache"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/uv.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    if ! { "$python" -m venv "$work/venv" && "$work/venv/bin/python" -m pip --disable-pip-version-check install \
        --no-deps --only-binary=:all: --require-hashes --requirement "$requirements"; } >"$work/log" 2>&1
    then
        tail -n 12 "$work/log" >&2
        fail "uv $version could not be installed from PyPI: check the network, and PIP_INDEX_URL and HTTPS_PROXY if this machine needs them; then run this again."
    fi
    # The name exists only once the program is whole.
    mv "$work/venv/bin/uv" "$uv"
fi

cd "$checkout"
# Use what was found above; never download another interpreter.
export UV_PYTHON_DOWNLOADS=never
if ! "$uv" sync --frozen --check --quiet 2>/dev/null; then
    say "installing the project's Python packages into .venv"
    "$uv" sync --frozen --quiet ||
        fail "the packages of uv.lock could not be installed: check the network, and UV_INDEX_URL and HTTPS_PROXY if this machine needs them; then run this again."
fi
