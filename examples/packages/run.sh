#!/usr/bin/env bash
#
# examples/packages/run.sh - asks packages.dl about the packages of this machine.
#
#   run.sh [--status FILE] [--all] [--quiet] [package]
#
# --status reads another package database, --all prints whole tables, --quiet leaves out how long it
# took. Without a package the report asks about python3. ENTAIL names the executable.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
entail=${ENTAIL:-$here/../../build/entail}

status=()
report=()
quiet=no
subject=python3
while [[ $# -gt 0 ]]; do
  case $1 in
    --status) status=(--status "$2"); shift ;;
    --all) report=(--all) ;;
    --quiet) quiet=yes ;;
    -*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    *) subject=$1 ;;
  esac
  shift
done

[[ -x $entail ]] || { echo "run.sh: no executable at $entail; ./dev build makes it" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/facts" "$scratch/answers"

# Microseconds since some moment; bash knows them without starting a process.
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

started=$(now_us)
python3 "$here/facts.py" "${status[@]}" "$scratch/facts"
printf '%s\n' "$subject" >"$scratch/facts/subject.facts"
facts_made=$(now_us)
"$entail" run "$here/packages.dl" -F "$scratch/facts" -D "$scratch/answers"
answered=$(now_us)

if ! grep -q "^$subject	" "$scratch/facts/package.facts"; then
  echo "($subject is not installed here; give another name: run.sh <package>)"
fi
python3 "$here/report.py" "${report[@]}" "$scratch/answers" "$subject"

if [[ $quiet == no ]]; then
  printf '\n%s facts read in %d ms, %s answers found by the rules in %d ms\n' \
    "$(cat "$scratch"/facts/*.facts | wc -l)" $(((facts_made - started) / 1000)) \
    "$(cat "$scratch"/answers/*.csv | wc -l)" $(((answered - facts_made) / 1000))
fi
