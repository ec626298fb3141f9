# shellcheck shell=bash
# The commands of docs/deploy-tx2.md: those that a trial runs, and those that it cannot.

# What of the page needs more than an old userland, by a part of the command, and why.
not_run() { # not_run COMMAND: prints the reason
  case $1 in
    npm\ ci*) echo 'the checkout is built and packed before' ;;
    *build-onnxruntime.sh*) echo 'it needs CUDA 10.2 and a Jetson' ;;
    *broker-password*) echo "the trial's broker wants no password" ;;
    *systemctl* | *'install-device.sh'*'# the same again'*) echo 'it needs systemd: scripts/try-systemd.sh' ;;
    'npm install --global --prefix /tmp/x'*) echo 'the device has network in the trial' ;;
    *) return 1 ;;
  esac
}

# One line a command: from blocks of sh, continued lines joined, comment lines left out.
page_commands() { # page_commands PAGE
  awk '/^```sh$/{inside=1; next} /^```$/{inside=0} inside' "$1" |
    sed -e ':a' -e '/\\$/N' -e 's/\\\n *//' -e 'ta' | grep -vE '^ *(#|$)'
}
list_page() { # list_page PAGE
  local command why
  while IFS= read -r command; do
    if why=$(not_run "$command"); then printf 'not run (%s): %s\n' "$why" "$command"; else printf 'run: %s\n' "$command"; fi
  done < <(page_commands "$1")
}
# page_command PAGE PART: the one command to run that holds PART, as root and without its remark.
page_command() {
  local found
  found=$(list_page "$1" | sed -n 's/^run: //p' | grep -F -- "$2") || { echo "error: $1 has no command with $2" >&2; return 1; }
  [ "$(wc -l <<<"$found")" = 1 ] || { echo "error: $1 has several commands with $2" >&2; return 1; }
  sed -e 's/ \+#.*//' -e 's/\bsudo //g' <<<"$found"
}
