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
  make_data_dir "/var/lib/edgemux-cloud"
}

before_doctor() { :; }

wrapper_all() { wrapper edgemux-cloud "$main"; }

put_extras() { :; }

main "$@"
