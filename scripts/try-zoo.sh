#!/usr/bin/env bash
# npm run peers -- zoo: imagenet-lite with its three networks, made by the recipe, on all of the photographs: each network against Pillow and
# ONNX Runtime, the pair against the server alone, --probe on 300 of them, and the guide's commands on the exported files.
# EDGEMUX_WHEELS names a folder with the Python packages; without it pip downloads them. Half an hour of two free cores.
set -euo pipefail
cd "$(dirname "$0")/.."

photographs=../shared/data/photos
for needed in "$photographs" /usr/bin/python3; do
  [ -e "$needed" ] || {
    echo "try-zoo: left out, $needed is not there"
    exit 0
  }
done
/usr/bin/python3 -c 'import torch, onnx' 2>/dev/null || {
  echo 'try-zoo: left out, /usr/bin/python3 has no torch and onnx (apt-get install python3-torch python3-onnx)'
  exit 0
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
recipe=(node dist/scripts/zoo/imagenet-lite.js --with-group --out "$folder/zoo" --keep "$folder/onnx")
[ -z "${EDGEMUX_WHEELS:-}" ] || recipe+=(--wheels "$EDGEMUX_WHEELS")
"${recipe[@]}"

export EDGEMUX_TEST_FULL=1 EDGEMUX_ZOO="$folder/zoo" EDGEMUX_ONNX="$folder/onnx" TAP_TIMEOUT=14400
for part in imagenet-lite guide probe; do
  node "dist/test/models/$part.test.js"
done
