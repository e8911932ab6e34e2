#!/bin/sh
# What comes from Debian's packages, and how: sourced nowhere, run as `tools/debian.sh VERB`.
#
#   debian.sh parts            docker-registry, git-lfs, busybox (static) and SoftHSM2, unpacked
#                              into the tools' cache: nothing is installed, no service is
#                              started, no root is needed
#   debian.sh install PKG…     apt-get install, for root only
#   debian.sh site             print the package mirror that this machine's apt uses
#
# Exit status 3: this is not Debian (or not root, for install); the reason is on standard error.
set -eu

tools="${LADING_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/lading/tools}"

no() {
    echo "debian.sh: $*" >&2
    exit 3
}

# Quiet: what apt and dpkg say is shown only when they fail.
apt() {
    said="$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null 2>&1)" || {
        printf '%s\n' "$said" | tail -n 20 >&2
        return 1
    }
}

# Root refreshes the package lists when there are none, or when an install says they are old.
lists() {
    [ "$(id -u)" = 0 ] || return 0
    apt update
}

have_lists() {
    [ -n "$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | head -n 1)" ] &&
        apt-cache show "$1" >/dev/null 2>&1
}

unpack() { # PACKAGE PROGRAM-OR-LIBRARY
    [ -x "$tools/debian/$2" ] && return 0
    have_lists "$1" || lists
    scratch="$(mktemp -d "$tools/.debian-XXXXXX")"
    (cd "$scratch" && apt -o APT::Sandbox::User=root download "$1") || {
        rm -rf "$scratch"
        echo "debian.sh: package $1 could not be downloaded" >&2
        return 1
    }
    dpkg-deb -x "$scratch"/*.deb "$scratch/root"
    mkdir -p "$tools/debian"
    find "$scratch/root" \( -path "*bin/$2" -o -path "*softhsm/$2" \) -type f \
        -exec mv {} "$tools/debian/$2" \;
    chmod +x "$tools/debian/$2" # a library, too: that is how a part is known to be there
    rm -rf "$scratch"
    echo "debian.sh: $1 unpacked: $tools/debian/$2" >&2
}

verb="${1:-}"
[ $# -gt 0 ] && shift
command -v apt-get >/dev/null 2>&1 || no "no apt-get here: not a Debian machine"
case "$verb" in
    parts)
        mkdir -p "$tools"
        status=0
        unpack docker-registry docker-registry || status=1
        unpack git-lfs git-lfs || status=1
        unpack busybox-static busybox || status=1
        unpack softhsm2 softhsm2-util || status=1
        unpack libsofthsm2 libsofthsm2.so || status=1
        exit $status
        ;;
    install)
        [ "$(id -u)" = 0 ] || no "installing $* needs root"
        have_lists "$1" || lists
        echo "debian.sh: installing $*" >&2
        apt install --no-install-recommends "$@" || {
            lists && apt install --no-install-recommends "$@"
        }
        ;;
    site) apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | head -n 1 ;;
    *) no "usage: debian.sh parts | install PACKAGE… | site" ;;
esac
