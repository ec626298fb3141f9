#!/usr/bin/env bash
# build-onnxruntime.sh: onnxruntime-node 1.11 with CUDA for a Jetson TX2 under JetPack 4.6. Run it on the Jetson.
#
#   usage: build-onnxruntime.sh [--source DIR] [--out DIR] [--tensorrt] [--check]
#     --source    where v1.11.1 is, or is cloned to with its submodules, some 2 GB (default ~/onnxruntime-1.11)
#     --out       the finished package (default /opt/edgemux-ort); EDGEMUX_ORT names it to edgemux
#     --tensorrt  also the TensorRT provider
#     --check     only look whether everything that the build needs is there, and whether the patch applies
#
# Takes some hours on a TX2, and swap: the compiler needs several GB a process. Sources and the versions of the tools
# come from the projects' own places, fetched by git and npm; nothing from the network is run by a shell here.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source=$HOME/onnxruntime-1.11 out=/opt/edgemux-ort tensorrt='' check=''
cuda=/usr/local/cuda libs=/usr/lib/aarch64-linux-gnu
while [ $# -gt 0 ]; do
  case $1 in
    --source) source=$2; shift ;;
    --out) out=$2; shift ;;
    --tensorrt) tensorrt=yes ;;
    --check) check=yes ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done

problems=0
problem() { echo "missing: $*" >&2; problems=$((problems + 1)); }
version_at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$2" ]; }

[ "$(uname -m)" = aarch64 ] || problem "this is $(uname -m): build on the Jetson itself"
[ -x "$cuda/bin/nvcc" ] || problem "$cuda/bin/nvcc: sudo apt-get install nvidia-jetpack"
[ -e "$libs/libcudnn.so" ] || problem "cuDNN: sudo apt-get install nvidia-jetpack"
[ -z "$tensorrt" ] || [ -e "$libs/libnvinfer.so" ] || problem "TensorRT: sudo apt-get install nvidia-jetpack"
for tool in git npm python3 patch g++; do command -v "$tool" >/dev/null || problem "$tool"; done
cmake=$(cmake --version 2>/dev/null | awk 'NR==1{print $3}') || true
version_at_least "${cmake:-0}" 3.18 || problem "cmake 3.18 or newer (this is ${cmake:-none}): python3 -m pip install --user cmake==3.22.6"
memory_gb=$(awk '/^(MemTotal|SwapTotal):/{sum+=$2} END{print int(sum/1048576)}' /proc/meminfo)
[ "$memory_gb" -ge 12 ] || problem "memory: $memory_gb GB with swap, 12 are needed (sudo fallocate -l 8G /swap; chmod 600, mkswap, swapon)"

fetch() {
  [ -e "$source/build.sh" ] || git clone --branch v1.11.1 --depth 1 --recurse-submodules --shallow-submodules \
    https://github.com/microsoft/onnxruntime "$source"
}
apply_patch() {
  cd "$source"
  if git apply --reverse --check "$here/onnxruntime-1.11-cuda.patch" 2>/dev/null; then echo 'the patch is applied'; return; fi
  git apply --check "$here/onnxruntime-1.11-cuda.patch" || { echo "error: the patch does not fit $source: is it v1.11.1?" >&2; exit 1; }
  [ -n "$check" ] || git apply "$here/onnxruntime-1.11-cuda.patch"
}

if [ -n "$check" ]; then
  if [ -e "$source/build.sh" ]; then apply_patch; fi
  if [ "$problems" = 0 ]; then echo 'everything is there'; else exit 1; fi
  exit 0
fi
[ "$problems" = 0 ] || exit 1
fetch
apply_patch
with_tensorrt=()
[ -z "$tensorrt" ] || with_tensorrt=(--use_tensorrt --tensorrt_home "$libs")
export CUDACXX=$cuda/bin/nvcc
./build.sh --config Release --update --build --parallel 2 --build_shared_lib --build_nodejs --skip_tests \
  --use_cuda --cuda_home "$cuda" --cudnn_home "$libs" "${with_tensorrt[@]}" \
  --cmake_extra_defines CMAKE_CUDA_ARCHITECTURES=62

# The Node part of the build copies the main library only; the providers are looked for beside it.
built=$source/build/Linux/Release node=$source/js/node
binaries=$out/bin/napi-v3/linux/arm64
mkdir -p "$binaries" "$out/node_modules"
cp -r "$node/package.json" "$node/dist" "$out/"
cp "$node"/bin/napi-v3/linux/arm64/* "$binaries/"
cp "$built/libonnxruntime_providers_shared.so" "$built/libonnxruntime_providers_cuda.so" "$binaries/"
[ -z "$tensorrt" ] || cp "$built/libonnxruntime_providers_tensorrt.so" "$binaries/"
cp -rL "$source/js/common" "$out/node_modules/onnxruntime-common"
rm -rf "$out/node_modules/onnxruntime-common/node_modules"
echo "built: $out. Prove it: EDGEMUX_ORT=$out edgemux doctor --config /etc/edgemux/device.yaml"
