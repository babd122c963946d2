#!/usr/bin/env bash
#
# examples/access/run.sh - who may read what.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "${ENTAIL:-$here/../../build/entail}" run "$here/access.dl"
