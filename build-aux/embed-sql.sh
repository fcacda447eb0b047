#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Writes the migrations as C to standard output:
#   embed-sql.sh SQL_DIRECTORY SHA256SUM SED
# Each engine's directory holds NNNN_name.up.sql and NNNN_name.down.sql, numbered from 0001
# without a gap.
set -eu
LC_ALL=C
export LC_ALL

directory=$1
sha256sum=$2
sed=$3

fail() {
    echo "embed-sql.sh: $*" >&2
    exit 1
}

# As adjacent C string literals. "?" is escaped so that no trigraph can come about.
literal() {
    "$sed" -e 's/[\\"?]/\\&/g' -e 's/^/     "/' -e 's/$/\\n"/' "$1"
}

engine() {
    expected=0
    echo "const authsvc_migration_t authsvc_migrations_$1[] = {"
    for up in "$directory/$2"/*.up.sql; do
        test -f "$up" || fail "no migration in $directory/$2"
        down=${up%.up.sql}.down.sql
        test -f "$down" || fail "$up has no .down.sql beside it"
        base=${up##*/}
        base=${base%.up.sql}
        number=${base%%_*}
        expected=$((expected + 1))
        test "$number" = "$(printf %04d "$expected")" || fail "$up is not number $expected"
        checksum=$(cat "$up" "$down" | "$sha256sum" | cut -c 1-64)
        test "${#checksum}" = 64 || fail "$sha256sum gives no checksum"
        echo "    {$expected,"
        echo "     \"${base#*_}\","
        literal "$up"
        echo "     ,"
        literal "$down"
        echo "     ,"
        echo "     \"$checksum\"},"
    done
    echo "    {0, NULL, NULL, NULL, NULL},"
    echo "};"
}

echo "/* Made by build-aux/embed-sql.sh; do not edit. */"
echo "#include \"authsvc/db/migrate.h\""
echo
echo "extern const authsvc_migration_t authsvc_migrations_pgsql[];"
echo "extern const authsvc_migration_t authsvc_migrations_sqlite[];"
echo
engine pgsql postgresql
echo
engine sqlite sqlite
