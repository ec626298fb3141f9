# shellcheck shell=bash disable=SC2154
# What a trial needs before it starts: the old system's root, a Node.js tarball, arm64 modules, and its namespaces.
emulator=/usr/bin/qemu-aarch64-static

missing() { # missing ARCH: says what this machine lacks, and in which Debian package it is
  local program
  for program in debootstrap unshare mosquitto npm; do
    command -v $program >/dev/null || { echo "$program is not installed"; return 0; }
  done
  command -v mosquitto_sub >/dev/null || { echo 'mosquitto_sub is not installed (mosquitto-clients)'; return 0; }
  [ "$1" = arm64 ] || return 0
  [ -x $emulator ] || { echo "$emulator is not installed (qemu-user-static)"; return 0; }
  command -v aarch64-linux-gnu-g++ >/dev/null || { echo 'aarch64-linux-gnu-g++ is not installed (g++-aarch64-linux-gnu)'; return 0; }
  grep -q binfmt_misc /proc/filesystems || echo 'the kernel has no binfmt_misc'
}

# The Debian archive that this machine's apt uses.
# shellcheck disable=SC2016 # apt fills it in
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1; }

make_roots() { # sets `old` and `userland`; for x64 the page's own command fills the latter
  old=$cache/jetpack-$old_suite-$debian userland=$cache/jetpack-$new_suite-$debian
  mirror=$(mirror)
  [ -z "$fresh" ] || rm -rf --one-file-system "$old" "$userland"
  [ -e "$userland/.complete" ] || rm -rf --one-file-system "$userland"
  make_root "$old_suite" "$old" ''
  if [ "$arch" = arm64 ]; then make_root "$new_suite" "$userland" --include=patchelf,libstdc++6; else mkdir -p "$userland"; fi
}
make_root() { # make_root SUITE FOLDER OPTION
  local options=(--variant=minbase) made=$2
  [ ! -e "$2/.complete" ] || return 0
  [ -z "$3" ] || options+=("$3")
  [ "$arch" = x64 ] || options+=(--foreign --arch=arm64)
  echo "debootstrap $1 $debian into $2 (log: $2.log)"
  rm -rf --one-file-system "$2"
  debootstrap "${options[@]}" "$1" "$2" "$mirror" >"$2.log" 2>&1 || { tail -5 "$2.log" >&2; exit 1; }
  [ "$arch" = x64 ] || in_namespace "$here/try-jetpack/second-stage.sh" >>"$2.log" 2>&1 || { tail -5 "$2.log" >&2; exit 1; }
  echo "$1 of $mirror" >"$2/.complete"
}

# As nodejs.org's: the npm registry's Node.js, without npm, and this machine's npm.
make_node_tarball() { # sets `tarball`
  local folder=$work/node-$arch
  mkdir "$folder"
  (cd "$work" && tar -xzf "$(npm pack --silent "node-linux-$arch@$node_version")" -C "$folder")
  mkdir -p "$folder/package/lib/node_modules"
  cp -a "$(npm root --global)/npm" "$folder/package/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$folder/package/bin/npm"
  tarball=$work/node-v$node_version-linux-$arch.tar.gz
  tar -czf "$tarball" -C "$folder" package
}

# In place of a compiler under emulation, which is slow.
cross_compile_modules() { # sets `modules`
  modules=$cache/jetpack-modules-arm64-$(sha256sum "$repo/npm-shrinkwrap.json" | cut -c1-16)
  (cd "$repo" && node dist/scripts/arm64/modules.js "$modules" "$work/node-arm64/package") >"$work/modules.log" 2>&1 ||
    { tail -20 "$work/modules.log" >&2; exit 1; }
}

# Runs a script in a mount and a process namespace of its own; for arm64 in a user namespace as well, so that the
# emulator is registered there and nowhere else.
in_namespace() { # in_namespace SCRIPT
  local go=$work/go user=()
  declare -p arch repo work old userland mirror package new_suite emulator >"$work/env"
  declare -p tarball modules made >>"$work/env" 2>/dev/null || true
  [ "$arch" = x64 ] || user=(--user)
  mkfifo "$go"
  # shellcheck disable=SC2016
  unshare "${user[@]}" --mount --pid --fork --kill-child bash -c 'read -r <"$1"; exec bash "$2" "$3"' enter "$go" "$1" "$work/env" &
  unshared=$!
  if [ "$arch" = arm64 ]; then
    until [ "$(readlink /proc/$unshared/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.05; done
    echo '0 0 65536' >/proc/$unshared/uid_map
    echo '0 0 65536' >/proc/$unshared/gid_map
  fi
  echo go >"$go"
  rm "$go"
  wait $unshared && unshared=''
}
