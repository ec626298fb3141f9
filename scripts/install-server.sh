#!/usr/bin/env bash
# install-server.sh: edgemux-cloud as a supervised service of this server. --help lists the options.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
role=server unit=edgemux-cloud user=edgemux-cloud programs=edgemux-cloud config=/etc/edgemux/server.yaml
password_variable=EDGEMUX_CLOUD_BROKER_PASSWORD_FILE password_file=/etc/edgemux/broker-password-cloud
main=dist/cloud-stub/main.js
services=(edgemux-cloud.service)
node=$(command -v node || true)
. "$here/install/common.sh"
. "$here/install/package.sh"
. "$here/install/steps.sh"

make_accounts() { make_user edgemux-cloud /var/lib/edgemux-cloud video; }

put_configs() {
  put_config "$here/../systemd/server.yaml" /etc/edgemux/server.yaml 644
  put_share_secret /etc/edgemux/share-secret
  make_data_dir "/var/lib/edgemux-cloud"
}

put_share_secret() { # put_share_secret PATH: the secret part of the group's name; the servers of a group need the same
  [ ! -e "$root$1" ] || return 0
  local file
  file=$(mktemp)
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file"
  echo >>"$file"
  put_config "$file" "$1" 600
  rm -f "$file"
  if live; then act chown "$user:$user" "$1"; fi
}

before_doctor() { :; }

wrapper_all() { wrapper edgemux-cloud "$main"; }

put_extras() { :; }

main "$@"
