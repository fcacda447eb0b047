# SPDX-License-Identifier: Apache-2.0
# What quickstart and test share; sourced by bash scripts, not run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for those who source this

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's names. apache2-bin, not apache2: that one starts a server on port 80.
BUILD_PACKAGES=(gcc libc6-dev make autoconf automake libtool pkg-config
    apache2-dev libapr1-dev libaprutil1-dev libpq-dev libsqlite3-dev libjansson-dev libsodium-dev
    libssl-dev libunistring-dev libidn2-dev libjwt-dev check)
RUN_PACKAGES=(apache2-bin libaprutil1-dbd-sqlite3 libaprutil1-dbd-pgsql curl)
POSTGRESQL_PACKAGES=(postgresql postgresql-client)
TEST_PACKAGES=(python3 python3-pytest python3-pytest-xdist python3-httpx python3-jsonschema
    python3-jwt python3-cryptography python3-h2
    sqlite3 wrk openssl binutils procps subversion libapache2-mod-svn cadaver)
BROWSER_PACKAGES=(chromium)
FAULT_PACKAGES=(faketime)
COVERAGE_PACKAGES=(gcovr)
ANALYSIS_PACKAGES=(clang-tidy cppcheck)

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A PostgreSQL that is installed just to be started privately needs no cluster of its own beside.
# createcluster.d is read by postgresql-common; the file is ours for as long as apt runs.
install_packages() {
    local conf=/etc/postgresql-common/createcluster.d/authsvc-none.conf
    as_root mkdir -p "${conf%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$conf" >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "$@" </dev/null >"$LOG_DIR/apt.log" 2>&1
    local status=$?
    as_root rm -f "$conf"
    as_root rmdir -p --ignore-fail-on-non-empty "${conf%/*}" 2>/dev/null
    if [ $status -ne 0 ]; then
        tail -n 20 "$LOG_DIR/apt.log" >&2
        fail "apt-get could not install: $*"
    fi
}

# A daemon that is installed just to be started privately is not started, now or at the next boot.
# policy-rc.d is asked by invoke-rc.d; the file is ours for as long as apt runs.
# install_idle PACKAGE [SERVICE]: what the service is called, if otherwise; a pattern.
install_idle() {
    local package=$1 service=${2:-$1} policy=/usr/sbin/policy-rc.d init
    is_installed "$package" && return 0
    if [ ! -e "$policy" ]; then
        LENT=$policy
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 0755 "$policy"
    fi
    (need_packages "$package")
    local status=$?
    return_lent
    [ $status -eq 0 ] || exit $status
    for init in /etc/init.d/$service; do
        as_root update-rc.d "${init##*/}" disable >/dev/null 2>&1 || true
    done
}

# Install what is missing of these packages, and touch nothing if nothing is.
need_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null ||
        fail "this script installs what it needs by apt, and this is no Debian; see README.md"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing: ${missing[*]}"
    as_root apt-get update -qq </dev/null >"$LOG_DIR/apt.log" 2>&1 ||
        say "apt-get update failed; going on with what apt knows"
    install_packages "${missing[@]}"
}

# A file that stands in the system for a moment only, also if the script is ended meanwhile.
LENT=
return_lent() {
    [ -z "$LENT" ] || as_root rm -f "$LENT"
    LENT=
}

# Where output goes that nobody wants to read unless something fails.
LOG_DIR=$(mktemp -d "${TMPDIR:-/tmp}/authsvc-log.XXXXXX")
# A process group beside this one, which a Ctrl-C does not reach.
BESIDE=
at_exit() {
    [ -z "$BESIDE" ] || kill -- "-$BESIDE" 2>/dev/null
    return_lent
    rm -rf "$LOG_DIR"
}
trap at_exit EXIT

# Run a command with its output put away; show the end of it if the command fails.
quietly() {
    local log=$LOG_DIR/${1//[^a-z]/}.log
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        fail "failed: $*"
    fi
}

# build DIR [configure arguments]: an out-of-tree build; quick when nothing changed.
build() {
    local dir=$1
    shift
    local wanted="$*" newest
    # shellcheck disable=SC2012 # no odd names here
    newest=$(cd "$SOURCE" && ls -t configure configure.ac m4/authsvc_*.m4 2>/dev/null | head -n 1)
    if [ "$newest" != configure ] || [ ! -e "$SOURCE/Makefile.in" ]; then
        say "Generating configure"
        quietly autoreconf bash -c "cd '$SOURCE' && autoreconf -i"
        touch "$SOURCE/configure"
    fi
    mkdir -p "$dir"
    if [ ! -e "$dir/config.status" ] ||
        [ "$(cat "$dir/.configured" 2>/dev/null)" != "$wanted" ]; then
        say "Configuring"
        rm -f "$dir/.configured"
        # shellcheck disable=SC2016
        quietly configure bash -c 'cd "$1" && shift && exec "$@"' - "$dir" \
            "$SOURCE/configure" --quiet "$@"
        printf '%s\n' "$wanted" >"$dir/.configured"
    fi
    say "Building"
    quietly make make -C "$dir" -j"$(nproc)" --no-print-directory
}

# plant BUILD DIR CODE: a copy of a build in whose core authsvc_uuid_format(), which each account and
# session needs, begins with CODE. A source in the build directory is taken before the tree's own.
plant() {
    local build=$1 dir=$2 code=$3 file=mod_authsvc/core/uuid.c
    rm -rf "$dir"
    cp -a "$build" "$dir"
    {
        printf '#include <stdlib.h>\n'
        sed "/^const char \*authsvc_uuid_format(/,/^{/s/^{/{ $code/" "$SOURCE/$file"
    } >"$dir/$file"
    grep -qF "{ $code" "$dir/$file" || fail "no authsvc_uuid_format() was found in $file"
}

# What a checker of memory must report, as code for plant().
PLANTED_OVERRUN='{ volatile size_t n = 8; char *volatile p = malloc(n); p[n] = 1; free(p); }'
PLANTED_LEAK='{ void *volatile p = malloc(4096); p = NULL; (void)p; }'
PLANTED_OVERFLOW='{ volatile int n = 0x7fffffff; n++; }'
PLANTED_UNWRITTEN='{ volatile int *volatile p = malloc(4096); if (*p == 7) { abort(); } free((void *)p); }'
