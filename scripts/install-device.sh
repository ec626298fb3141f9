#!/usr/bin/env bash
# install-device.sh: edgemux as a supervised service of this device. --help lists the options.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
role=device unit=edgemux user=edgemux programs=edgemux config=/etc/edgemux/device.yaml
password_variable=EDGEMUX_BROKER_PASSWORD_FILE password_file=/etc/edgemux/broker-password
main=dist/agent/main.js
services=(edgemux.service edgemux-clocks.service)
node=$(command -v node || true)
. "$here/install/common.sh"
. "$here/install/package.sh"
. "$here/install/steps.sh"

make_accounts() { make_user edgemux /var/lib/edgemux i2c video; }

put_configs() {
  put_config "$here/../systemd/device.yaml" /etc/edgemux/device.yaml 644
  put_config "$here/../systemd/clocks.conf" /etc/edgemux/clocks.conf 644
  put_config "$here/../systemd/environment" /etc/edgemux/environment 644
  make_data_dir "/var/lib/edgemux"
}

# What the service's root oneshot does at every boot, before the doctor looks through the service's eyes.
before_doctor() { # before_doctor VERSION
  ! live || act sh "$opt/versions/$1/$home/systemd/edgemux-rails" edgemux || say 'some power rails stay unreadable'
}

wrapper_all() { wrapper edgemux "$main"; }

put_extras() { # put_extras VERSION
  local from=$opt/versions/$1/$home/systemd
  [ "$dry" = no ] || from=$here/../systemd
  put_file "$from/60-edgemux.rules" /etc/udev/rules.d/60-edgemux.rules 644
  if has_systemd && [ -S /run/udev/control ]; then
    act udevadm control --reload
    act udevadm trigger --subsystem-match=i2c-dev
  fi
}

main "$@"
