# shellcheck shell=bash
# In a trial's namespaces: runs arm64 programs from here on, and gives them a processor that they know.

start_emulator() { # start_emulator PROGRAM SCRATCH
  local misc=$2/binfmt
  mkdir -p "$misc"
  # Of this user namespace; what is registered lasts as long as the mount.
  mount -t binfmt_misc none "$misc"
  # The head of an ELF file for arm64, and a mask for what may differ. F: the emulator is opened now, and works in any root.
  printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$1"':F' >"$misc/register"
  export QEMU_CPU=cortex-a57
}

# The emulator shows the host's /proc/cpuinfo, of which onnxruntime makes nothing: a TX2's four A57 instead.
show_processor() { # show_processor ROOT SCRATCH
  local cpu sys=$1/sys/devices/system/cpu
  mkdir -p "$sys"
  echo 0-3 | tee "$sys/possible" >"$sys/present"
  for cpu in 0 1 2 3; do
    printf 'processor\t: %d\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd07\nCPU revision\t: 3\n\n' $cpu
  done >"$2/cpuinfo"
  mount --bind "$2/cpuinfo" "$1/proc/cpuinfo"
}
