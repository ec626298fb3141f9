# shellcheck shell=bash disable=SC1090,SC1091,SC2154
# debootstrap's second stage of an arm64 root, under emulation. Runs in the namespaces of roots.sh.
set -euo pipefail
. "$1"
. "$repo/scripts/try-jetpack/emulator.sh"
start_emulator "$emulator" "$work"
mount -t proc proc /proc
mount --rbind /dev "$made/dev"
# `lxc`: no device nodes are made, which a user namespace does not allow.
chroot "$made" /usr/bin/env container=lxc /debootstrap/debootstrap --second-stage
