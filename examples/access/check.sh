#!/usr/bin/env bash
#
# examples/access/check.sh - the program of the README gives the answers beside it.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"${ENTAIL:-$here/../../build/entail}" run "$here/access.dl" | diff -u "$here/expected.txt" -
echo "the answers are as expected"
