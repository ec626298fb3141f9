# shellcheck shell=bash
# Becomes systemd in a root of its own; called by try-systemd.sh in fresh namespaces, with TRY_* in the environment.
set -euo pipefail
mkdir "$TRY_WORK/ram" "$TRY_ROOT"
mount -t tmpfs -o mode=755 tmpfs "$TRY_WORK/ram"
mkdir "$TRY_WORK/ram/upper" "$TRY_WORK/ram/work"
mount -t overlay -o "lowerdir=$TRY_LOWER,upperdir=$TRY_WORK/ram/upper,workdir=$TRY_WORK/ram/work" overlay "$TRY_ROOT"
cd "$TRY_ROOT"

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for node in null zero full random urandom tty; do touch "dev/$node"; mount --bind "/dev/$node" "dev/$node"; done

# cgroups as this kernel has them: one unified hierarchy, or version 1 with systemd's own beside the controllers
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  for controller in memory devices pids; do
    mkdir "sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "sys/fs/cgroup/$controller" || rmdir "sys/fs/cgroup/$controller"
  done
fi

# What the services run on: this checkout, its modules and this Node, where ProtectHome= and PrivateTmp= do not hide them.
mkdir -p opt/edgemux-try/repo opt/edgemux-try/node_modules opt/edgemux-try/links
mount --bind "$TRY_REPO" opt/edgemux-try/repo
mount --bind "$TRY_MODULES" opt/edgemux-try/node_modules
for path in opt/edgemux-try/node_modules/*; do ln -s "/$path" "opt/edgemux-try/links/${path##*/}"; done
touch opt/edgemux-try/node
mount --bind "$TRY_NODE" opt/edgemux-try/node
cp "$TRY_PACKAGE" opt/edgemux-try/edgemux.tgz

rm -f etc/systemd/system/*.wants/* lib/systemd/system/sysinit.target.wants/*udev*
rm -rf etc/edgemux opt/edgemux
exec chroot . /usr/bin/env -i container=edgemux-try PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
