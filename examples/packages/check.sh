#!/usr/bin/env bash
#
# examples/packages/check.sh - the report on a small package database is the one that was checked by
# hand. The database has what real ones have: alternatives, virtual packages, a circle, a second
# architecture, a package that was removed, a dependency on something that is not there.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
COLUMNS=100 "$here/run.sh" --quiet --all --status "$here/sample/status" python3 |
  diff -u "$here/sample/expected.txt" -
echo "the report is as expected"
