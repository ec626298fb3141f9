# shellcheck shell=bash
# Putting a version of the package under /opt/edgemux, trying it, switching to it and back.

home=lib/node_modules/edgemux

find_tarball() {
  local here=$1 found=()
  if [ -z "$tarball" ]; then
    shopt -s nullglob; found=("$here"/edgemux-*.tgz); shopt -u nullglob
    [ "${#found[@]}" -le 1 ] || die "several packages in $here: choose one with --tarball"
    [ "${#found[@]}" = 0 ] || tarball=${found[0]}
  fi
  [ -n "$tarball" ] || pack "$here/.."
  [ -r "$tarball" ] || die "there is no package $tarball"
  tarball=$(realpath "$tarball")
}

pack() { # pack DIR: the package of the checkout or installed package that this script stands in
  [ -e "$1/dist/agent/main.js" ] || die "$1 is not built; run npm ci there, or name a package with --tarball"
  scratch=$(mktemp -d)
  tarball=$scratch/$(cd "$1" && npm pack --silent --ignore-scripts --pack-destination "$scratch")
}

check_node() {
  [ -x "$node" ] || die 'no Node.js found: install 20.19 or newer (on a TX2: docs/deploy-tx2.md), or name it with --node'
  node=$(realpath "$node")
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "$node is $("$node" --version); 20.19 or newer is needed"
}

# The name of a version's folder: two packages of one version number are two versions.
version_name() {
  local number
  number=$(tar -xzOf "$tarball" package/package.json | "$node" -e 'process.stdout.write(JSON.parse(require("fs").readFileSync(0, "utf8")).version)')
  printf '%s-%s\n' "$number" "$(hash_of "$tarball" | cut -c1-8)"
}

# unpack DIR: the package and what it depends on, below DIR/lib/node_modules.
unpack() {
  if [ -n "$modules" ]; then unpack_with_modules "$1"; else install_with_npm "$1"; fi || return
  [ -e "$1/$home/dist/agent/main.js" ] || die "$tarball holds no edgemux"
}
unpack_with_modules() {
  mkdir -p "$1/$home" &&
    tar -xzf "$tarball" -C "$1/$home" --strip-components=1 --no-same-owner &&
    cp -a --no-preserve=ownership "$(realpath "$modules")" "$1/$home/node_modules"
}

install_with_npm() {
  local headers npm=("$node" "$(npm_of "$node")") options=(--global --prefix "$1" --omit=dev --no-audit --no-fund --no-update-notifier
    --allow-scripts=better-sqlite3,i2c-bus)
  [ -z "$cache" ] || options+=(--cache "$(realpath "$cache")" --offline)
  # Headers to compile native modules against, where Node came with them: without them npm would ask the network.
  headers=$(dirname "$(dirname "$node")")
  [ ! -e "$headers/include/node/node.h" ] || export npm_config_nodedir=$headers
  # A package's own .npmrc does not apply to a global install: without this, onnxruntime-node asks the network for CUDA.
  ONNXRUNTIME_NODE_INSTALL=skip PATH=$(dirname "$node"):$PATH "${npm[@]}" install "${options[@]}" "$tarball"
}
# npm's own program beside a Node, else the one in the PATH.
npm_of() {
  local beside
  beside=$(dirname "$(dirname "$1")")/lib/node_modules/npm/bin/npm-cli.js
  if [ -e "$beside" ]; then printf '%s\n' "$beside"; else realpath "$(command -v npm || die 'npm is not installed')"; fi
}

# Stages the new version beside the present one; sets `version`.
stage() {
  version=$(version_name)
  make_dir "$opt/versions"
  if [ -d "$opt/versions/$version" ]; then say "version $version is already here"; return 0; fi
  say "installing version $version"
  [ "$dry" = no ] || { say "would: unpack $tarball into $opt/versions/$version"; return 0; }
  local staging=$opt/versions/.staging
  rm -rf "$staging"
  mkdir "$staging"
  (unpack "$staging") || { rm -rf "$staging"; die "version $version could not be installed; nothing was changed"; }
  mv "$staging" "$opt/versions/$version"
}

current() { basename "$(readlink "$opt/current" 2>/dev/null || true)"; }
previous() { basename "$(readlink "$opt/previous" 2>/dev/null || true)"; }

# Runs a program of a version as its service would: its user and groups, its environment. Only root can read a
# password that is passed on as a credential.
as_service() {
  local variables=() file=$root/etc/edgemux/environment
  [ ! -r "$file" ] || mapfile -t variables < <(grep -E '^[A-Z_]+=' "$file" || true)
  if [ "$credentials" = yes ]; then
    variables+=("${password_variable:?}=$root${password_file:?}")
  elif live && id "$user" >/dev/null 2>&1; then
    set -- runuser -u "$user" -- "$@"
  fi
  env "${variables[@]}" "$@"
}

# Whether the staged version finds what it needs. In an upgrade a broker that is away says nothing about the new version.
check_version() { # check_version BEFORE: the version in use, or nothing
  local skipped=()
  [ -z "${1:-}" ] || skipped=(--skip broker)
  [ "$doctor" = yes ] || return 0
  [ "$dry" = no ] || { say "would: ${programs:?} doctor, of version $version"; return 0; }
  say "asking version $version's doctor"
  as_service "$node" "$opt/versions/$version/$home/${main:?}" doctor --config "$root$config" "${skipped[@]}"
}

discard() { # discard VERSION: unless it is in use
  [ "$1" = "$(current)" ] || act rm -rf "${opt:?}/versions/$1"
}

switch_to() { # switch_to VERSION: atomic, so that a power cut leaves one version or the other
  local before
  before=$(current)
  note 'link /opt/edgemux/current'
  [ "$before" != "$1" ] || return 0
  changed=yes
  act ln -sfn "versions/$1" "$opt/current.new"
  act mv -T "$opt/current.new" "$opt/current"
  if [ -n "$before" ]; then act ln -sfn "versions/$before" "$opt/previous"; note 'link /opt/edgemux/previous'; fi
}

# Keeps the present and the previous version, for a way back.
tidy_versions() {
  local kept path
  kept=" $(current) $(previous) "
  for path in "$opt"/versions/*; do
    [[ $kept = *" $(basename "$path") "* ]] || [ ! -d "$path" ] || act rm -rf "$path"
  done
}
