#!/bin/sh
# Run an image only when it verifies, and exactly the one that did: by the digest that was verified.
#   verify-and-run.sh IMAGE [docker run options and command]
# Whom to trust: LADING_KEY=lading.pub, or [verify] in lading.toml. The policy: LADING_POLICY.
set -eu

image=${1:?usage: verify-and-run.sh IMAGE [docker run options and command]}
shift

if [ "${LADING_POLICY-unset}" = "" ]; then # what automation makes of a value that is not there
    echo "not started: LADING_POLICY is empty; name a policy, or unset it" >&2
    exit 2
fi
answer=$(lading verify "registry:$image" --json ${LADING_POLICY:+--policy "$LADING_POLICY"}) || {
    status=$?
    echo "not started: $image does not verify" >&2
    exit "$status"
}
digest=$(printf '%s' "$answer" | python3 -c 'import json, sys; print(json.load(sys.stdin)["digest"])')

name=${image%@*}
case ${name##*/} in
*:*) name=${name%:*} ;;
esac
exec docker run "$@" "$name@$digest"
