#!/usr/bin/env bash
# userland.sh: a newer system's root folder beside an old system, for its C library, its patchelf and its compiler.
#
#   usage: userland.sh [--into DIR]
#     --into    the folder (default /opt/userland); some 700 MB. One that is complete is left as it is
#
# It is Ubuntu 22.04 (jammy), made by this system's debootstrap. Environment for another one, variables in brackets by
# default: SUITE (jammy), MIRROR (http://ports.ubuntu.com/ubuntu-ports), COMPONENTS (main,universe), RECIPE (gutsy:
# debootstrap's recipe for every newer Ubuntu, of which an old debootstrap may not know the name).
set -euo pipefail
into=/opt/userland
while [ $# -gt 0 ]; do
  case $1 in
    --into) into=$2 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
die() { echo "error: $*" >&2; exit 1; }
suite=${SUITE:-jammy} mirror=${MIRROR:-http://ports.ubuntu.com/ubuntu-ports}
components=${COMPONENTS:-main,universe} recipe=${RECIPE:-gutsy}

if [ -e "$into/.complete" ]; then echo "$into is complete: $(cat "$into/.complete")"; exit 0; fi
command -v debootstrap >/dev/null || die 'debootstrap is not installed: sudo apt-get install debootstrap'
[ -z "$(ls -A "$into" 2>/dev/null)" ] || die "$into is neither empty nor complete: remove it (nothing may be mounted in it), or choose another --into"
mkdir -p "$into"
debootstrap --variant=minbase --components="$components" --include=g++,make,python3,ca-certificates,patchelf \
  "$suite" "$into" "$mirror" "$recipe" || die "debootstrap failed; its log: $into/debootstrap/debootstrap.log"
echo "$suite of $mirror" >"$into/.complete"
echo "$suite is in $into"
