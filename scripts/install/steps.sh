# shellcheck shell=bash
# The order of an installation; what differs between device and server is in the functions and variables of the role.

wrapper() { # wrapper PROGRAM MAIN: a command for people, on the Node and with the environment of the service
  local file
  file=$(mktemp)
  cat >"$file" <<SH
#!/bin/sh
set -a
[ ! -r /etc/edgemux/environment ] || . /etc/edgemux/environment
set +a
exec /opt/edgemux/bin/node /opt/edgemux/current/$home/$2 "\$@"
SH
  put_file "$file" "/opt/edgemux/bin/$1" 755
  rm -f "$file"
  put_link "/opt/edgemux/bin/$1" "/usr/local/bin/$1"
  put_manual "$1"
}

put_manual() { # put_manual PROGRAM: its manual page, and what completes its command line in bash and zsh
  local docs=/opt/edgemux/current/$home/docs share=/usr/local/share
  make_dir "$root$share/man/man1"
  make_dir "$root$share/bash-completion/completions"
  make_dir "$root$share/zsh/site-functions"
  put_link "$docs/man/$1.1" "$share/man/man1/$1.1"
  put_link "$docs/completion/$1" "$share/bash-completion/completions/$1"
  put_link "$docs/completion/_$1" "$share/zsh/site-functions/_$1"
}

put_units() { # put_units VERSION: units and drop-ins of that version
  local from=$opt/versions/$1/$home/systemd service
  [ "$dry" = no ] || from=$here/../systemd
  for service in "${services[@]}"; do put_file "$from/$service" "/etc/systemd/system/$service" 644; done
  if ! live || [ "$(systemd_version)" -ge 247 ]; then put_dropin "$from" hardening.conf; fi
  if [ "$credentials" = yes ]; then
    ! live || [ "$(systemd_version)" -ge 247 ] || die "--credentials needs systemd 247; this is $(systemd_version). Use broker.passwordFile"
    put_dropin "$from" credentials.conf
  fi
  put_file "$from/$unit.tmpfiles.conf" "/etc/tmpfiles.d/$unit.conf" 644
}
put_dropin() { put_file "$1/$unit.service.d/$2" "/etc/systemd/system/$unit.service.d/$2" 644; }

# Starts the new version; one that does not become ready is replaced by the one before.
start_service() { # start_service VERSION_BEFORE
  has_systemd && [ "$start" = yes ] || return 0
  act systemctl enable --quiet "${services[@]}"
  say "starting $unit; it says ready once every network has run"
  if run_unit; then say "$unit runs"; return 0; fi
  journalctl --no-pager --lines 15 --unit "$unit" >&2 || true
  if [ -z "$1" ] || [ "$1" = "$version" ]; then die "$unit does not start; the lines above say why"; fi
  local bad=$version
  return_to "$1"
  discard "$bad"
  act rm -f "$opt/previous"
  die "version $bad does not start; version $1 runs again"
}
run_unit() {
  systemctl reset-failed "$unit" 2>/dev/null || true
  if [ "$changed" = yes ]; then act systemctl restart "$unit"; else act systemctl start "$unit"; fi
}

return_to() { # return_to VERSION: its links and units, and starts it
  switch_to "$1"
  put_units "$1"
  reload_systemd "$root/etc/tmpfiles.d/$unit.conf"
  if has_systemd && [ "$start" = yes ]; then run_unit; fi
}
go_back() {
  local to
  to=$(previous)
  if [ -z "$to" ] || [ ! -d "$opt/versions/$to" ]; then die 'there is no previous version here'; fi
  return_to "$to"
  say "back to version $to"
}

install_or_upgrade() {
  local before
  check_node
  find_tarball "$here"
  before=$(current)
  [ ! -e "$root/etc/systemd/system/$unit.service.d/credentials.conf" ] || credentials=yes
  make_dir "$opt"
  make_accounts
  put_configs
  stage
  before_doctor "$version"
  if ! check_version "$before"; then
    if [ -n "$before" ] && [ "$before" != "$version" ]; then
      discard "$version"
      die "version $version's doctor found what must not be: version $before stays (--no-doctor upgrades all the same)"
    fi
    say 'The doctor found what must not be. Once it is mended, run this script again to start the service.'
    start=no trouble=yes
  fi
  put_link "$node" /opt/edgemux/bin/node
  wrapper_all
  put_units "$version"
  put_extras "$version"
  switch_to "$version"
  reload_systemd "$root/etc/tmpfiles.d/$unit.conf"
  start_service "$before"
  tidy_versions
  [ "$dry" = yes ] || say "edgemux $version is installed; configuration: $config"
  [ -z "$trouble" ]
}

main() {
  trouble='' scratch=''
  trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
  parse_options "$@"
  case $task in
    install) install_or_upgrade ;;
    rollback) go_back ;;
    uninstall) remove_all ;;
  esac
}
