# shellcheck shell=bash
# The trial itself, inside the throw-away system: installs, asks, kills, upgrades, removes. Exit 1 where anything fails.
set -uo pipefail
cd /
try=/opt/edgemux-try
scripts=$try/repo/scripts
failures=0

check() { # check TITLE COMMAND...
  local title=$1 log
  shift
  if log=$("$@" 2>&1); then printf 'ok      %s\n' "$title"; return 0; fi
  printf 'FAILED  %s\n%s\n' "$title" "$log"
  failures=$((failures + 1))
}
now_ms() { date +%s%3N; }
property() { systemctl show --property "$2" --value "$1"; }
# until_true SECONDS COMMAND...: waits for something to become true
until_true() {
  local until=$(($(now_ms) + $1 * 1000))
  shift
  until "$@" >/dev/null 2>&1; do [ "$(now_ms)" -lt $until ] || return 1; sleep 0.1; done
}
tree() { find /etc /usr/local /opt /var/lib -xdev -path $try -prune -o -path /var/lib/systemd -prune -o \( -type d -printf "%p %y %m\n" -o -printf "%p %y %m %s %l\n" \) | sort; }
# /etc/passwd- and its kin are copies that useradd leaves; the account files themselves are compared by their lines
files() { tree | grep -vE ' ?/etc/(passwd|group|shadow|gshadow|subuid|subgid)-? |^/etc d|/etc/systemd/system/multi-user.target.wants'; }
accounts() { cut -d: -f1 /etc/passwd /etc/group | sort; }
install_role() { local role=$1; shift; bash "$scripts/install-$role.sh" --tarball "$try/edgemux.tgz" --modules "$try/links" --node "$try/node" "$@"; }

answered() { # answered FRAME_FILE: whether a published frame comes back as a result
  timeout 20 mosquitto_sub -h 127.0.0.1 -t 'edgemux/+/result/door' -C 1 >"/run/result.json" &
  local waiting=$!
  until_true 20 publish_until_gone $waiting "$1"
  wait $waiting && grep -q '"label"' /run/result.json
}
publish_until_gone() { mosquitto_pub -h 127.0.0.1 -t cameras/door/frame -f "$2"; sleep 0.5; ! kill -0 "$1"; }

# Power rails as a Jetson's kernel has them since L4T 32.5: every file is root's, and nobody else's.
rails=/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1
put_rails() {
  mount -t tmpfs -o mode=755 tmpfs /sys/bus
  mkdir -p "$rails"
  echo ina3221x >"$rails/name"
  local channel=0 name mv ma mw
  while read -r name mv ma mw; do
    echo "$name" >"$rails/rail_name_$channel"
    echo "$mv" >"$rails/in_voltage${channel}_input"; echo "$ma" >"$rails/in_current${channel}_input"; echo "$mw" >"$rails/in_power${channel}_input"
    channel=$((channel + 1))
  done <<<$'VDD_IN 19152 277 5305\nVDD_SYS_CPU 19152 60 1149\nVDD_SYS_DDR 19152 50 957'
  close_rails
}
close_rails() { chown root:root "$rails"/* && chmod 400 "$rails"/*; } # as sysfs is after every boot
readable() { runuser -u edgemux -- cat "$rails/in_power0_input"; }
unreadable() { ! readable; }
measured() { # whether the device's state has the whole, 5.305 W
  timeout 20 mosquitto_sub -h 127.0.0.1 -t 'edgemux/+/state' -C 1 >/run/state.json &&
    python3 -c 'import json; power = json.load(open("/run/state.json"))["power"]; assert abs(power["meanW"] - 5.305) < 1e-6, power'
}
boot_again() { systemctl stop edgemux edgemux-clocks && close_rails && unreadable && systemctl start edgemux; }

echo "$(systemctl --version | head -1), PID 1 is $(cat /proc/1/comm), root: ${TRY_ROOT:-$(. /etc/os-release; echo "$PRETTY_NAME")}"
printf 'listener 1883 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n' >/run/broker.conf
systemd-run --quiet --unit=try-broker "$(command -v mosquitto)" -c /run/broker.conf
check 'a broker runs' until_true 10 mosquitto_pub -h 127.0.0.1 -t try -m 1
files >/run/before.files; accounts >/run/before.accounts
sample=$try/repo/models/fashion-mnist/samples/sneaker.jpg

check 'install-server.sh installs, its doctor is content, it starts' install_role server
refused() { ! install_role device && [ "$(property edgemux ActiveState)" = inactive ]; }
check "install-device.sh installs; its doctor misses a Jetson's rails, so nothing starts" refused
put_rails
check 'with rails that only root may read, which the service user cannot' unreadable
check 'it opens them to the service, the doctor is content and it starts' install_role device
for unit in edgemux edgemux-cloud; do
  check "$unit is active" test "$(property $unit ActiveState)" = active
  start_us=$(property $unit ExecMainStartTimestampMonotonic); ready_us=$(property $unit ActiveEnterTimestampMonotonic)
  printf '        %s: ready %s ms after its start, user %s, status: %s\n' $unit $(((ready_us - start_us) / 1000)) \
    "$(ps -o user= -p "$(property $unit MainPID)")" "$(property $unit StatusText)"
done
systemd-analyze verify edgemux.service edgemux-cloud.service edgemux-clocks.service >/run/verify 2>&1
check 'systemd-analyze verify has nothing to say' test ! -s /run/verify
for unit in edgemux edgemux-cloud; do printf '        %s\n' "$(systemd-analyze security $unit --no-pager | tail -1)"; done
check 'a frame is answered' answered "$sample"
printf '        %s\n' "$(cut -c1-200 /run/result.json)"
check 'the rails are measured' until_true 30 measured
check 'after a boot, which closes the rails, the oneshot opens them before the service starts' boot_again
check 'and they are measured' until_true 30 measured
printf '        %s\n' "$(stat -c '%n %U:%G %a' "$rails/in_power0_input")"

pid=$(property edgemux MainPID)
killed_ms=$(now_ms)
kill_main() { [ "$pid" -gt 1 ] && kill "$1" "$pid"; }
check 'there is a process to kill' kill_main -9
revived() {
  local now
  now=$(property edgemux MainPID)
  [ "$(property edgemux SubState)" = running ] && [ "$now" != 0 ] && [ "$now" != "$pid" ]
}
check 'kill -9: another process is ready' until_true 60 revived
printf '        after %s ms, restarts: %s\n' $(($(now_ms) - killed_ms)) "$(property edgemux NRestarts)"
check 'and answers a frame' answered "$sample"

mkdir -p /run/systemd/system/edgemux.service.d
printf '[Service]\nWatchdogSec=3\n' >/run/systemd/system/edgemux.service.d/try.conf
systemctl daemon-reload
systemctl restart edgemux
pid=$(property edgemux MainPID)
check 'a process stands still' kill_main -STOP
check 'it is killed and replaced' until_true 90 revived
check 'by the watchdog, says systemd' sh -c 'journalctl -u edgemux --no-pager | grep -q "Watchdog timeout"'
rm -r /run/systemd/system/edgemux.service.d
systemctl daemon-reload

for unit in edgemux edgemux-cloud; do
  systemctl restart $unit
  stopped_ms=$(now_ms)
  systemctl stop $unit
  took_ms=$(($(now_ms) - stopped_ms))
  check "$unit stops cleanly in less than 5 s ($took_ms ms)" test "$took_ms" -lt 5000 -a "$(property $unit Result)" = success
done
systemctl start edgemux edgemux-cloud

pid=$(property edgemux MainPID)
same_process() { [ "$(property edgemux MainPID)" = "$pid" ]; }
check 'installed once more' install_role device
check 'which disturbs nothing' same_process
mkdir -p /run/bad && tar -xzf $try/edgemux.tgz -C /run/bad
echo 'process.exit(1);' >/run/bad/package/dist/agent/main.js
tar -czf /run/bad.tgz -C /run/bad package
bad_doctor() { ! bash "$scripts/install-device.sh" --tarball /run/bad.tgz --modules "$try/links" --node "$try/node"; }
check "a version whose doctor fails is refused, and the service goes on" bad_doctor
check 'in the same process' same_process
bad_start() { ! bash "$scripts/install-device.sh" --tarball /run/bad.tgz --modules "$try/links" --node "$try/node" --no-doctor; }
check 'a version that does not start is rolled back' bad_start
check 'and the version before runs' until_true 60 revived
check 'and answers a frame' answered "$sample"

check 'device removed' bash "$scripts/install-device.sh" --uninstall --purge
check 'server removed' bash "$scripts/install-server.sh" --uninstall --purge
umount /sys/bus
files >/run/after.files; accounts >/run/after.accounts
check 'the system is as it was: files' diff /run/before.files /run/after.files
check 'the system is as it was: accounts' diff /run/before.accounts /run/after.accounts
[ "$failures" = 0 ] || { journalctl --no-pager -u edgemux -u edgemux-cloud | tail -40; echo "$failures failed"; exit 1; }
echo 'all went well'
