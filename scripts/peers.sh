#!/usr/bin/env bash
# What takes too long for every change: real roots, services and processors of other machines, one after the other. As root.
#   npm run peers            all of them
#   npm run peers -- NAME…   systemd, jetpack, arm64, zoo
# Exit code 0 where every trial went well or named what it misses.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

declare -A trials=(
  [systemd]='scripts/try-systemd.sh'
  [jetpack]='scripts/try-jetpack.sh'
  [arm64]='node dist/scripts/arm64/main.js'
  [zoo]='scripts/try-zoo.sh'
)
names=("$@")
[ "${#names[@]}" -gt 0 ] || names=(systemd jetpack arm64 zoo)
for name in "${names[@]}"; do
  [ -n "${trials[$name]:-}" ] || {
    echo "peers: there is no trial '$name': choose from systemd, jetpack, arm64, zoo" >&2
    exit 2
  }
done

failed=()
for name in "${names[@]}"; do
  printf '\n== %s: %s\n' "$name" "${trials[$name]}"
  # shellcheck disable=SC2086 # a command and its arguments
  ${trials[$name]} || failed+=("$name")
done
[ "${#failed[@]}" -eq 0 ] || {
  printf '\npeers: failed: %s\n' "${failed[*]}"
  exit 1
}
printf '\npeers: %s went well\n' "${names[*]}"
