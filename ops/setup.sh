# What ops/up, ops/test and ops/sillage share. Sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sillage

# The build lies outside of the clone, so that a fresh clone finds it again.
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-$cache/target}")
export CARGO_TARGET_DIR

me=${0##*/}

say() {
    printf 'ops/%s: %s\n' "$me" "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Installs Debian packages, saying so first; where that cannot be done, one line says what to do.
install_packages() {
    [ "$#" -gt 0 ] || return 0
    have apt-get || fail "needed and missing: $*; install them (there is no apt-get here to do it)"
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        fail "needed and missing; as root: apt-get install $*"
    fi
    say "installing from Debian: $*"
    # Debian would make a system cluster, and start it, with the first PostgreSQL. We need none. A
    # cluster that is there already is left alone.
    local quiet=/etc/postgresql-common/createcluster.d/sillage.conf
    if [[ " $* " == *" postgresql "* ]]; then
        as_root mkdir -p "${quiet%/*}"
        echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
    fi
    local installed=0
    as_root apt-get update -q >&2 || true
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@" >&2 || installed=$?
    if [[ " $* " == *" postgresql "* ]]; then
        as_root rm -f "$quiet"
    fi
    [ "$installed" -eq 0 ] || fail "could not install; as root: apt-get install $*"
}

# PostgreSQL 15 to 18 in a place where Sillage looks for it.
have_postgres() {
    local folder
    for folder in "${SILLAGE_DATABASE_BIN:-}" "$(pg_config --bindir 2>/dev/null || true)" \
        /usr/lib/postgresql/1[5-8]/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            case $("$folder/postgres" --version) in
            *') 15'* | *') 16'* | *') 17'* | *') 18'*) return 0 ;;
            esac
        fi
    done
    return 1
}

# The Rust toolchain, which we do not install: it is the operator's choice where it comes from.
find_cargo() {
    have cargo || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    have cargo || fail "no Rust toolchain: install one from https://rustup.rs"
}

# What the build needs beside Rust.
build_packages() {
    # A linker and a C compiler, for rustc and for the few crates with C inside.
    have cc || echo gcc
    # The allocator is built by its own makefile.
    have make || echo make
    [ -e /usr/include/stdlib.h ] || echo libc6-dev
    # The trust that cargo puts in the registry.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}
