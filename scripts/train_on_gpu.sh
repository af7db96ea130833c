#!/usr/bin/env bash
# Render and train the table-top model on a machine with one CUDA GPU, from a plain checkout, without installing it.
#
#   scripts/train_on_gpu.sh OUT [MINUTES]
#
# Needs torch with CUDA, mujoco, opencv, pillow, pydantic, safetensors, tokenizers, typer, rich, matplotlib and
# huggingface-hub importable by python3, and EGL for rendering. OUT/averaged holds the weights in shards of at most
# 16 MiB, OUT/history.jsonl and OUT/curves.png the scores. To go on from them elsewhere:
#   kosmos-agent train tabletop --start-from OUT/averaged
set -euo pipefail

out=${1:?"usage: scripts/train_on_gpu.sh OUT [MINUTES]"}
minutes=${2:-8}
root=$(cd "$(dirname "$0")/.." && pwd)

export PYTHONPATH="$root:$root/simulations${PYTHONPATH:+:$PYTHONPATH}"
export MUJOCO_GL=egl PYTHONUNBUFFERED=1
mkdir -p "$out"
python3 -m kosmos_agent train tabletop \
    --run-folder "$out" --cache "$out.cache/train" --pictures "${PICTURES:-20000}" \
    --device cuda --workers "${WORKERS:-12}" --threads 2 \
    --batch-size "${BATCH:-128}" --steps "${STEPS:-40000}" --decay-steps "${DECAY:-4000}" \
    --minutes "$minutes" --validate-minutes 3
rm -rf "$out/state"
