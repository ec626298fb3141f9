#!/usr/bin/env bash
# try-jetpack.sh: the commands of docs/deploy-tx2.md, read from that page, in a system whose C library is too old.
#
#   usage: sudo scripts/try-jetpack.sh [--arch x64|arm64] [--fresh]
#          scripts/try-jetpack.sh --list     what of the page is run, what is not and why
#     --arch   only this one (default: x64, then arm64 under emulation)
#     --fresh  make the roots anew; they are kept in ~/.cache/edgemux-try otherwise
#
# The old system is Debian 11 (glibc 2.31, with a librt of its own, as JetPack's 2.27), Debian 12 takes the part of the
# newer userland. First the fault is shown that a Node.js has which does not load every part of its C library itself;
# then the page's way goes up to a frame that the installed daemon answers. All of it happens in namespaces of its own.
# Exit code 1 where anything fails; what this machine lacks is named and skipped.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
repo=$(realpath "$here/..")
old_suite=bullseye new_suite=bookworm node_version=20.19.6
. "$here/try-jetpack/page.sh"
archs=(x64 arm64) fresh=''
while [ $# -gt 0 ]; do
  case $1 in
    --arch) archs=("$2"); shift ;;
    --fresh) fresh=yes ;;
    --list) list_page "$repo/docs/deploy-tx2.md"; exit 0 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
. "$here/try-jetpack/roots.sh"
[ "$(id -u)" = 0 ] || { echo 'error: this needs root, for namespaces and mounts' >&2; exit 1; }
[ -e "$repo/dist/agent/main.js" ] || { echo "error: $repo is not built: npm ci" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/edgemux-try
work=$(mktemp -d)
unshared=''
# Whatever is mounted for a trial is mounted in its namespace, and goes with it; so nothing but files is left to remove.
finish() {
  if [ -n "$unshared" ]; then kill -9 "$unshared" 2>/dev/null || true; wait "$unshared" 2>/dev/null || true; fi
  rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
mkdir -p "$cache"
package=$work/$(cd "$repo" && npm pack --silent --ignore-scripts --pack-destination "$work")
for arch in "${archs[@]}"; do
  case $arch in
    x64) debian=amd64 ;;
    arm64) debian=arm64 ;;
    *) echo "error: --arch $arch: x64 or arm64" >&2; exit 2 ;;
  esac
  lacks=$(missing "$arch")
  if [ -n "$lacks" ]; then echo "skipped: $arch: $lacks"; continue; fi
  echo "== $arch: $old_suite as the old system, $new_suite as the newer userland"
  make_roots
  make_node_tarball
  [ "$arch" = x64 ] || cross_compile_modules
  in_namespace "$here/try-jetpack/trial.sh"
done
