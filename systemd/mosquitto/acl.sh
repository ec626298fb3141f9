#!/bin/sh
# Prints the rights of one account for mosquitto's acl_file:
#   ./acl.sh ROLE NAME [BASE] >> /etc/mosquitto/edgemux.acl
# ROLE is camera, device, server, reader or operator; server-share, server-legacy and device-legacy add to the rights of an
# account that has them already (see roles/); NAME is the account's user name and, for the first three, the
# name in topics too. BASE is broker.baseTopic, edgemux unless given.
set -eu
roles=$(dirname "$0")/roles
fail() { echo "acl.sh: $*" >&2; exit 2; }

[ $# -ge 2 ] || fail "usage: acl.sh ROLE NAME [BASE]"
role=$1 name=$2 base=${3:-edgemux}
case $role in
  camera | device | device-legacy | server | server-share | server-legacy | reader | operator) ;;
  *) fail "no role '$role'" ;;
esac
case $name in '' | *[!A-Za-z0-9_-]*) fail "'$name' is no name: use A-Z a-z 0-9 _ -" ;; esac
case $role/$name in device*/answer | device*/cloud | device*/offload | device*/probe | server*/any) fail "'$name' is a reserved name" ;; esac
case $base in '' | *[!A-Za-z0-9_/-]*) fail "'$base' is no base topic" ;; esac
[ ${#name} -le 64 ] || fail "the name is longer than 64 characters"

printf 'user %s\n' "$name"
# By way of <…>, which no name holds: a name may itself read BASE, and a base topic NAME.
sed -e '/^#/d' -e 's|NAME|<name>|g' -e 's|BASE|<base>|g' -e "s|<name>|$name|g" -e "s|<base>|$base|g" "$roles/$role"
printf '\n'
