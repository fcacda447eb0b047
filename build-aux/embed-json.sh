#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# embed-json.sh FILE NAME: print C that defines the file's octets as `const char NAME[]`, with a
# NUL after them, and their number as `const apr_size_t NAME_len`.
set -eu

file=$1
name=$2
len=$(wc -c <"$file" | tr -d ' ')

cat <<EOF
/* Made by embed-json.sh from ${file##*/}; do not edit. */
#include <apr.h>

extern const char $name[];
extern const apr_size_t ${name}_len;

const apr_size_t ${name}_len = $len;
const char $name[] = {
EOF
LC_ALL=C od -An -v -tx1 "$file" | sed -e 's/ *\([0-9a-f][0-9a-f]\)/'"'"'\\x\1'"'"',/g'
cat <<EOF
'\\0'
};
EOF
