#!/bin/sh
# Make the virtual environment .venv with the locked, hashed requirements and lading itself
# (editable). Does nothing when that was done for these very requirements. Needs Python >= 3.11;
# as root on Debian, what Python lacks for it is installed. `setup.sh kms` adds the key services'
# client libraries and servers, which only tests of `make interop` need.
set -eu
cd "$(dirname "$0")/.."

new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python="$(find_python)" || {
    tools/debian.sh install python3 python3-venv && python="$(find_python)"
} || {
    echo "setup.sh: Python 3.11 or newer is needed; set PYTHON to one" >&2
    exit 1
}

stamp="$(cat pyproject.toml requirements-dev.lock tools/setup.sh | cksum) $("$python" --version)"
done_before() { # STAMP-FILE STAMP
    [ -x .venv/bin/python ] && [ "$(cat ".venv/$1" 2>/dev/null)" = "$2" ]
}

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

key_services() {
    kms_stamp="$(cksum <requirements-kms.lock) $stamp"
    done_before .lading-setup-kms "$kms_stamp" && return
    echo "setup.sh: installing the key services' libraries into .venv" >&2
    .venv/bin/python -m pip install --quiet --require-hashes --requirement requirements-kms.lock
    printf '%s\n' "$kms_stamp" >.venv/.lading-setup-kms
}

if done_before .lading-setup "$stamp"; then
    [ "${1:-}" != kms ] || key_services
    exit 0
fi

if [ ! -x .venv/bin/python ]; then
    "$python" -c 'import ensurepip' >/dev/null 2>&1 || tools/debian.sh install python3-venv
    "$python" -m venv .venv
fi
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip --upgrade >&2

echo "setup.sh: installing the locked requirements into .venv" >&2
.venv/bin/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
printf '%s\n' "$stamp" >.venv/.lading-setup
[ "${1:-}" != kms ] || key_services
