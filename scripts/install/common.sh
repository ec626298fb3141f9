# shellcheck shell=bash
# What install-device.sh and install-server.sh share: options, a record of everything put into the system, and its removal.
#
# The record (/opt/edgemux/<role>.record) has one line for each thing made here: `dir PATH`, `file PATH SHA256`,
# `config PATH SHA256`, `link PATH`, `user NAME`, `group NAME`. Removal goes by it and by nothing else.

usage() {
  cat <<USAGE
usage: $0 [options]
  Installs or upgrades ${programs:?} as the service $unit. Run it again at any time.
  --tarball FILE   the package, from npm pack (default: beside this script, else packed from this folder)
  --cache DIR      take dependencies from this npm cache, without network
  --modules DIR    take dependencies, already built for this machine, from this node_modules folder
  --node FILE      the Node.js to run on (default: ${node:-none found}); 20.19 or newer
  --root DIR       install into another root: for trying, or for an image. Users and services are left alone
  --credentials    systemd 247 and newer: pass the broker's password as a credential
  --no-start       do not start or restart the service
  --no-doctor      upgrade even where the new version's check fails
  --rollback       go back to the version before the last upgrade
  --uninstall      remove what this script has put here; keeps changed configuration and the journal
  --purge          with --uninstall: remove those, too
  --dry-run        say what would be done, and do nothing
USAGE
}

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
# act COMMAND...: does it, or with --dry-run says it.
act() { if [ "$dry" = yes ]; then printf 'would: %s\n' "$*"; else "$@"; fi; }
# Whether this is the running system, with its users and services, and not a folder.
live() { [ -z "$root" ]; }

parse_options() {
  umask 022
  tarball='' cache='' modules='' node=$(command -v node || true) root='' dry=no start=yes doctor=yes credentials=no task=install purge=no changed=no
  while [ $# -gt 0 ]; do
    case $1 in
      --tarball | --cache | --modules | --node | --root)
        [ $# -ge 2 ] || die "$1 needs a value"
        printf -v "${1#--}" %s "$2"; shift ;;
      --credentials) credentials=yes ;;
      --no-start) start=no ;;
      --no-doctor) doctor=no ;;
      --rollback) task=rollback ;;
      --uninstall) task=uninstall ;;
      --purge) purge=yes ;;
      --dry-run) dry=yes ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; die "unknown option $1" ;;
    esac
    shift
  done
  [ -z "$root" ] || root=$(realpath -m "$root")
  [ "$root" != / ] || root=''
  if live && [ "$(id -u)" != 0 ] && [ "$dry" = no ]; then die 'this needs root; --root DIR tries it in a folder, --dry-run does nothing'; fi
  opt=$root/opt/edgemux
  record=$opt/$role.record
}

# ---- the record

recorded() { [ -e "$record" ] && grep -qxF -- "$1" "$record"; }
note() { [ "$dry" = yes ] || recorded "$1" || printf '%s\n' "$1" >>"$record"; }
forget() { # forget PATH: drops its lines
  [ "$dry" = yes ] || [ ! -e "$record" ] || { awk -v p="$1" '$2!=p' "$record" >"$record.new" && mv "$record.new" "$record"; }
}
hash_of() { sha256sum "$1" | cut -d' ' -f1; }

# Folders made before the record's own folder was there wait for it here.
new_dirs=()
make_dir() { # make_dir PATH: each missing folder on the way is made and recorded, outermost first
  [ ! -d "$1" ] || return 0
  make_dir "$(dirname "$1")"
  if [ "$dry" = yes ]; then [[ " ${new_dirs[*]} " = *" $1 "* ]] || say "would: mkdir $1"; else mkdir -m 755 "$1"; fi
  new_dirs+=("$1")
  [ "$dry" = no ] && [ -d "$opt" ] || return 0
  local path
  for path in "${new_dirs[@]}"; do note "dir ${path#"$root"}"; done
  new_dirs=()
}

make_data_dir() { # make_data_dir PATH: of the service's user
  make_dir "$root$1"
  if live; then act chown "$user:$user" "$1"; act chmod 750 "$1"; fi
}

put_file() { # put_file SOURCE PATH MODE: replaced at every upgrade
  local path=$root$2
  make_dir "$(dirname "$path")"
  cmp -s "$1" "$path" || { act install -m "$3" "$1" "$path"; changed=yes; }
  [ "$dry" = yes ] || recorded "file $2 $(hash_of "$path")" || { forget "$2"; note "file $2 $(hash_of "$path")"; }
}

put_config() { # put_config SOURCE PATH MODE: the owner's from then on, never overwritten
  local path=$root$2
  make_dir "$(dirname "$path")"
  [ ! -e "$path" ] || { say "keeping $2"; return 0; }
  act install -m "$3" "$1" "$path"
  [ "$dry" = yes ] || note "config $2 $(hash_of "$path")"
}

put_link() { # put_link TARGET PATH
  local path=$root$2
  make_dir "$(dirname "$path")"
  [ "$(readlink "$path" 2>/dev/null)" = "$1" ] || act ln -sfn "$1" "$path"
  note "link $2"
}

# ---- users

make_group() { getent group "$1" >/dev/null || { act groupadd --system "$1"; note "group $1"; }; }
make_user() { # make_user NAME HOME GROUP...: its own group and these
  live || return 0
  local name=$1 home=$2 group
  shift 2
  for group in "$name" "$@"; do make_group "$group"; done
  if ! id "$name" >/dev/null 2>&1; then
    act useradd --system --gid "$name" --home-dir "$home" --no-create-home --shell /usr/sbin/nologin "$name"
    note "user $name"
  fi
  for group; do act usermod -aG "$group" "$name"; done
}
remove_accounts() { # takes the record's lines; whose files are kept keeps its name as well
  live && [ ! -d "/var/lib/$unit" ] || return 0
  local kind name _
  while read -r kind name _; do
    case $kind in
      user) ! id "$name" >/dev/null 2>&1 || act userdel "$name" ;;
      group) ! getent group "$name" >/dev/null || act groupdel "$name" ;;
    esac
  done <<<"$1"
}

# ---- systemd

has_systemd() { live && [ -d /run/systemd/system ]; }
systemd_version() { { systemctl --version 2>/dev/null || echo systemd 0; } | awk 'NR==1{print $2+0}'; }
reload_systemd() {
  has_systemd || return 0
  act systemctl daemon-reload
  [ ! -e "$1" ] || act systemd-tmpfiles --create "$1"
}

# ---- removal

remove_all() {
  [ -e "$record" ] || { say "nothing of $unit is installed here"; return 0; }
  if has_systemd; then act systemctl disable --now "${services[@]}" || true; fi
  local kind path hash others=() lines
  lines=$(tac "$record")
  mapfile -t others < <(find "$opt" -maxdepth 1 -name '*.record' ! -name "$role.record")
  act rm -rf "$root/var/cache/$unit"
  [ "$purge" = no ] || act rm -rf "$root/var/lib/$unit"
  while read -r kind path hash; do
    case $kind in
      file) act rm -f "$root$path" ;;
      config) remove_config "$path" "$hash" ;;
      link) shared_link "$path" || act rm -f "$root$path" ;;
    esac
  done <<<"$lines"
  [ "${#others[@]}" -gt 0 ] || act rm -rf "$opt/versions"
  remove_dirs "${others[@]}"
  remove_accounts "$lines"
  if has_systemd; then act systemctl daemon-reload; fi
  say "$unit is removed"
}
# What the other program on this machine needs as well.
shared_link() { [ "${#others[@]}" -gt 0 ] && grep -qxF "link $1" "${others[@]}" && say "keeping $1, which the other program uses"; }

remove_config() {
  local path=$root$1
  [ -e "$path" ] || return 0
  if [ "$purge" = yes ] || [ "$(hash_of "$path")" = "$2" ]; then act rm -f "$path"; else say "keeping $1: it was changed (--purge removes it)"; fi
}

remove_dirs() { # folders that were made here and hold nothing else; the record goes with the innermost
  local dirs path
  mapfile -t dirs < <(awk '$1=="dir"{print $2}' "$record" | sort -r)
  if [ $# -gt 0 ] && [ "$dry" = no ]; then printf 'dir %s\n' "${dirs[@]}" >>"$1"; fi
  act rm -f "$record"
  for path in "${dirs[@]}"; do
    [ ! -d "$root$path" ] || act rmdir --ignore-fail-on-non-empty "$root$path"
    [ ! -d "$root$path" ] || [ "$dry" = yes ] || [ $# -gt 0 ] || say "keeping $path: it is not empty"
  done
}
