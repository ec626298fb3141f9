# shellcheck shell=bash disable=SC1090,SC1091,SC2154
# The trial of one architecture, in the namespaces of roots.sh: first the fault, then the page, up to an answered frame.
set -euo pipefail
. "$1"
. "$repo/scripts/try-jetpack/page.sh"
. "$repo/scripts/try-jetpack/emulator.sh"
page=$repo/docs/deploy-tx2.md
root=$work/root-$arch port='' run=$work/$arch
mkdir -p "$root" "$run/upper" "$run/overlay"

die() { printf 'FAILED  %s\n' "$1"; [ $# -lt 2 ] || printf '%s\n' "$2"; exit 1; }
check() { # check TITLE COMMAND...: the first that fails ends the trial
  local title=$1 log from=$SECONDS
  shift
  if log=$("$@" 2>&1); then printf 'ok      %s (%s s)\n' "$title" $((SECONDS - from)); else die "$title" "$(tail -40 <<<"$log")"; fi
}
inside() { # inside COMMAND...: in the old system, with the page's current folder and a clean environment
  chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    "${environment[@]}" bash -c 'cd /root/package 2>/dev/null || cd /root; "$@"' inside "$@"
}
page_does() { # page_does PART: the page's command with that part, its placeholders filled in
  local command
  command=$(page_command "$page" "$1") || exit 1
  command=${command//edgemux-X.tgz/$(basename "$package")}
  command=${command//node-v20.19.6-linux-arm64.tar.xz//root/$(basename "$tarball")}
  command=${command//HEX/$(sha256sum "$tarball" | cut -d' ' -f1)}
  check "$command" inside bash -c "$command"
}

enter_root() {
  local options=lowerdir=$old,upperdir=$run/upper,workdir=$run/overlay name
  if [ "$arch" = arm64 ]; then start_emulator "$emulator" "$work"; options+=,userxattr; fi
  mount -t overlay -o "$options" overlay "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  [ "$arch" = x64 ] || show_processor "$root" "$run"
  mkdir -p "$root/opt/userland"
  mount --bind "$userland" "$root/opt/userland"
  cp /etc/resolv.conf "$root/etc/"
  echo 'APT::Get::Assume-Yes "true";' >"$root/etc/apt/apt.conf.d/90try"
  cp "$package" "$tarball" "$root/root/"
  environment=(SUITE="$new_suite" MIRROR="$mirror" COMPONENTS=main RECIPE=sid DEBIAN_FRONTEND=noninteractive
    npm_config_registry="$(npm config get registry 2>/dev/null)")
  for name in http_proxy https_proxy no_proxy NODE_EXTRA_CA_CERTS; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
  done
}
# Where this machine reaches its registries through a certificate of its own, both systems need it, too.
copy_certificate() { # copy_certificate ROOT
  [ -n "${NODE_EXTRA_CA_CERTS:-}" ] || return 0
  mkdir -p "$1$(dirname "$NODE_EXTRA_CA_CERTS")"
  cp -L "$NODE_EXTRA_CA_CERTS" "$1$NODE_EXTRA_CA_CERTS"
}
give_modules() {
  if [ "$arch" = x64 ]; then page_does scripts/jetpack/modules.sh; return; fi
  local target=$root/opt/userland/build/out/lib/node_modules/edgemux
  rm -rf "$target"
  mkdir -p "$target"
  cp -a "$modules/node_modules" "$target/"
  echo 'skipped, being slow under emulation: scripts/jetpack/modules.sh; a cross compiler made the modules'
}

# ---- the fault, with a Node.js as it was made before it loaded its C library's every part
node=/opt/node/bin/node built=/opt/userland/build/out/lib/node_modules/edgemux/node_modules
load='try { require(process.argv[1]); console.log("loaded"); } catch (error) { console.log(error.message); process.exitCode = 1; }'
make_faulty_node() {
  inside bash -c 'cp /opt/node/bin/node /opt/node/bin/faulty-node && /opt/node/glibc/ld-linux-*.so.* --library-path /opt/node/glibc \
    /opt/userland/usr/bin/patchelf --remove-needed librt.so.1 --remove-needed libutil.so.1 --remove-needed libresolv.so.2 \
    --remove-needed libanl.so.1 /opt/node/bin/faulty-node'
}
shows_the_fault() {
  local said
  said=$(inside /opt/node/bin/faulty-node -e "$load" $built/onnxruntime-node) && return 1
  echo "$said" | tee "$run/fault"
  grep -q "GLIBC_PRIVATE' not found (required by .*/librt.so.1)" "$run/fault"
}
doctor_names_the_fault() {
  inside ln -sfn $built /root/package/node_modules
  inside /opt/node/bin/faulty-node dist/agent/main.js doctor --json --skip broker --provider cpu >"$run/doctor" || true
  grep -A4 '"id": "binding"' "$run/doctor" | grep remedy | tee "$run/remedy"
  grep -q 'librt.so.1 is not of the build of /opt/node/glibc/libpthread.so.0.*node.sh' "$run/remedy"
}

# ---- the same with the page's Node.js
loads() { inside $node -e "$load" "$1"; }
# Names every file of a C library that is mapped after all modules are loaded and is not the prefix's.
one_c_library() {
  inside $node -e 'for (const one of ["onnxruntime-node", "sharp", "better-sqlite3"]) require(process.argv[1] + "/" + one);
    const maps = fs.readFileSync("/proc/self/maps", "utf8").match(/\/.*\.so[.0-9]*$/gm);
    const parts = [...new Set(maps)].filter((file) => /\/(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|anl|nsl|nss_.*|stdc\+\+|gcc_s))\.so/.test(file));
    const foreign = parts.filter((file) => !file.startsWith("/opt/node/glibc/"));
    console.log(parts.length, "parts, foreign:", foreign);
    process.exit(parts.length > 8 && foreign.length === 0 ? 0 : 1)' $built
}

# ---- the daemon
start_broker() {
  port=$(node -e 'const server = net.createServer().listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close(); })')
  printf 'listener %s 127.0.0.1\nallow_anonymous true\nuser root\n' "$port" >"$run/broker.conf"
  mosquitto -c "$run/broker.conf" >"$run/broker.log" 2>&1 &
  until mosquitto_pub -h 127.0.0.1 -p "$port" -t try -m 1 2>/dev/null; do kill -0 $! || die 'the broker starts' "$(cat "$run/broker.log")"; sleep 0.1; done
}
configure() {
  mkdir -p "$root/etc/edgemux"
  sed -e "s|mqtt://.*:1883|mqtt://127.0.0.1:$port|" -e 's/^# device:.*/device: older/' -e '/^power:/,$d' "$repo/systemd/device.yaml" >"$root/etc/edgemux/device.yaml"
  chmod 644 "$root/etc/edgemux/device.yaml"
}
run_daemon() { # as its service would, but for the supervision
  inside runuser -u edgemux -- env NODE_ENV=production HOME=/var/lib/edgemux edgemux run --config /etc/edgemux/device.yaml >"$run/daemon.log" 2>&1 &
  daemon=$!
}
answers() {
  local publish waiting until=$((SECONDS + 300))
  publish=$(page_command "$page" mosquitto_pub) || return 1
  publish=${publish//BROKER/127.0.0.1 -p $port}
  mosquitto_sub -h 127.0.0.1 -p "$port" -t 'edgemux/older/result/door' -C 1 >"$run/result" &
  waiting=$!
  while kill -0 $waiting 2>/dev/null; do
    if ! kill -0 "$daemon" 2>/dev/null || [ $SECONDS -ge $until ]; then kill $waiting; tail -20 "$run/daemon.log"; return 1; fi
    (cd "$repo/models/fashion-mnist/samples" && eval "$publish")
    sleep 1
  done
  grep -q '"label":"sneaker"' "$run/result"
}

enter_root
echo "$(inside getconf GNU_LIBC_VERSION), $(inside uname -m)"
page_does 'tar -xzf'
copy_certificate "$root"
if [ "$arch" = arm64 ]; then
  echo "skipped, being slow under emulation: apt-get install debootstrap, scripts/jetpack/userland.sh; this machine made the newer userland, without a compiler"
else
  check 'apt-get update' inside apt-get update
  page_does 'apt-get install debootstrap'
  page_does scripts/jetpack/userland.sh
fi
copy_certificate "$root/opt/userland"
page_does scripts/jetpack/node.sh
give_modules
check 'a Node.js that needs no librt of its own' make_faulty_node
check 'cannot load onnxruntime-node' shows_the_fault
printf '        %s\n' "$(cat "$run/fault")"
check 'and the doctor says which libraries met' doctor_names_the_fault
printf '        %s\n' "$(sed 's/^ *"remedy": //' "$run/remedy")"
version=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$root$built/onnxruntime-node/package.json")
check "the page's Node.js loads onnxruntime-node $version" loads $built/onnxruntime-node
for module in sharp better-sqlite3; do check "and $module" loads $built/$module; done
check 'and no part of another C library than its own' one_c_library
cp -r "$repo/node_modules/onnxruntime-node-1.11" "$root/opt/edgemux-ort"
check 'and onnxruntime-node 1.11, as section 3 leaves it, though without CUDA' loads /opt/edgemux-ort
start_broker
configure
page_does 'scripts/install-device.sh'
page_does 'edgemux doctor'
run_daemon
check "a frame is answered: $(page_command "$page" mosquitto_pub)" answers
printf '        %s…\n' "$(cut -c1-270 "$run/result")"
kill "$daemon"
wait "$daemon" 2>/dev/null || true
echo "$arch: all went well"
