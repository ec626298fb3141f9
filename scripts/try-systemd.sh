#!/usr/bin/env bash
# try-systemd.sh: installs both services into a throw-away system whose PID 1 is systemd, and treats them badly.
#
#   usage: sudo scripts/try-systemd.sh [--suite NAME]
#     The system is this machine's own root folder under an overlay in memory, or with --suite a fresh Debian of that
#     name (debootstrap, kept in ~/.cache/edgemux-try), in namespaces of its own: nothing outside changes.
#     Needs root, systemd, mosquitto, mosquitto-clients, python3, a built checkout (npm ci).
set -euo pipefail
here=$(dirname "$(realpath "$0")")
repo=$(realpath "$here/..")
suite=''
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2; shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || { echo 'error: this needs root, for namespaces and mounts' >&2; exit 1; }
for program in unshare nsenter systemctl mosquitto mosquitto_sub python3 node; do
  command -v "$program" >/dev/null || { echo "error: $program is not installed" >&2; exit 1; }
done

lower=/
if [ -n "$suite" ]; then
  lower=${XDG_CACHE_HOME:-$HOME/.cache}/edgemux-try/$suite
  if [ ! -e "$lower/.complete" ]; then
    echo "debootstrap $suite into $lower"
    rm -rf "$lower"; mkdir -p "$lower"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,mosquitto,mosquitto-clients,python3,procps,libstdc++6 "$suite" "$lower" >"$lower.log" 2>&1 ||
      { tail -5 "$lower.log" >&2; exit 1; }
    touch "$lower/.complete"
  fi
fi

work=$(mktemp -d)
package=$work/$(cd "$repo" && npm pack --silent --ignore-scripts --pack-destination "$work")
cat >"$work/env" <<ENV
export TRY_REPO=$repo TRY_PACKAGE=$package TRY_WORK=$work TRY_LOWER=$lower TRY_NODE=$(realpath "$(command -v node)")
export TRY_MODULES=$(realpath "$repo/node_modules") TRY_ROOT=$work/root
ENV

# cgroup namespaces are rooted where a process is when it makes one; a cgroup of our own keeps the hosts' out of sight.
cgroups=()
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*/; do
  [ -e "$hierarchy/cgroup.procs" ] && mkdir -p "$hierarchy/edgemux-try" 2>/dev/null && cgroups+=("$hierarchy/edgemux-try")
done
init=''
finish() {
  [ -z "$init" ] || kill -9 "$init" 2>/dev/null || true
  wait 2>/dev/null || true
  sleep 0.5
  for group in "${cgroups[@]}"; do find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

(
  for group in "${cgroups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs" || true; done
  # shellcheck disable=SC1091
  . "$work/env"
  exec unshare --pid --mount --net --cgroup --uts --ipc --fork --kill-child bash "$here/try-systemd/boot.sh"
) >"$work/boot.log" 2>&1 &

unshared=$!
for _ in $(seq 100); do
  init=$(tr -d ' ' <"/proc/$unshared/task/$unshared/children" 2>/dev/null || true)
  [ -n "$init" ] && [ -S "/proc/$init/root/run/systemd/private" ] && break
  sleep 0.2
done
if [ -z "$init" ] || [ ! -S "/proc/$init/root/run/systemd/private" ]; then
  echo 'error: systemd did not start' >&2
  cat "$work/boot.log" >&2
  exit 1
fi
cd /
inside() { nsenter -t "$init" -m -p -n -u -i -C --root="/proc/$init/root" env -C / -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
inside systemctl is-system-running --wait || true
inside bash /opt/edgemux-try/repo/scripts/try-systemd/trial.sh
