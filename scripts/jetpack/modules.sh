#!/usr/bin/env bash
# modules.sh: what edgemux depends on, with native modules compiled in the newer userland for the Node.js of node.sh.
#
#   usage: modules.sh --package TGZ [--userland DIR] [--node PREFIX]
#     --package   edgemux's package, from `npm pack`
#     --userland  what userland.sh made (default /opt/userland)
#     --node      what node.sh made (default /opt/node)
#
# The result serves install-device.sh as --modules, on this machine and on others of its kind. npm and the compiler run
# inside the userland, with that Node.js mounted where it is; what is mounted there is unmounted at the end.
set -euo pipefail
package='' userland=/opt/userland prefix=/opt/node
while [ $# -gt 0 ]; do
  case $1 in
    --package) package=$2 ;;
    --userland) userland=$2 ;;
    --node) prefix=$2 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
die() { echo "error: $*" >&2; exit 1; }
[ -r "$package" ] || die "--package: there is no $package"
[ -x "$userland/usr/bin/g++" ] || die "$userland has no g++: make it with userland.sh"
[ -x "$prefix/bin/npm" ] || die "$prefix has no npm: take the whole Node.js from nodejs.org"
case $prefix in /*) ;; *) die "--node: $prefix is not an absolute path" ;; esac

mounted=()
finish() { for one in "${mounted[@]}"; do umount "$one"; done; }
trap finish EXIT
mount_in() { # mount_in FOLDER OPTION...: at the same path inside
  local folder=$1
  shift
  mkdir -p "$userland$folder"
  mount "$@" "$userland$folder"
  mounted=("$userland$folder" "${mounted[@]}")
}
mount_in "$prefix" --bind "$prefix"
mount_in /dev --bind /dev
mount_in /proc -t proc proc

name=$(basename "$package")
rm -rf "$userland/build/out"
mkdir -p "$userland/build"
cp "$package" "$userland/build/$name"
# Node's own headers, or npm would ask the network; `skip`, or onnxruntime-node would ask for a CUDA of other machines.
chroot "$userland" env PATH="$prefix/bin:/usr/bin:/bin" HOME=/root npm_config_nodedir="$prefix" ONNXRUNTIME_NODE_INSTALL=skip \
  npm install --global --prefix /build/out --omit=dev --no-audit --no-fund --no-update-notifier "/build/$name"

modules=$userland/build/out/lib/node_modules/edgemux/node_modules
[ -d "$modules" ] || die "npm left no $modules"
for module in onnxruntime-node sharp better-sqlite3; do
  "$prefix/bin/node" -e "require(process.argv[1])" "$modules/$module" || die "$module does not load outside the userland"
done
echo "modules for this kind of machine: $modules"
