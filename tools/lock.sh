#!/bin/sh
# Resolve the locked requirements anew, with hashes, for every platform and Python >= 3.11.
# `tools/lock.sh --upgrade` takes newer versions; without it what still fits stays. Needs uv.
# Extras are kept: pip does not take `coverage==1` for the `coverage[toml]` that a package asks for,
# and fails as soon as a newer release than the locked one exists.
set -eu
cd "$(dirname "$0")/.."

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-strip-extras "$@"
}

export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile "$@" pyproject.toml -o requirements.lock
compile "$@" --constraint requirements.lock --extra test --extra lint \
    pyproject.toml tools/build-requirements.in -o requirements-dev.lock
compile "$@" --constraint requirements-dev.lock tools/kms-requirements.in -o requirements-kms.lock
compile "$@" examples/ml-service/requirements.in -o examples/ml-service/requirements.txt
