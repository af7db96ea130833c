"""Writes a model folder of the published size (1.66 B parameters) with random bfloat16 weights; prints one JSON object.

What a frame or a token costs does not depend on the values of the weights, so speed and memory can be measured on it
without the download. 3.3 GB on disk, twice that in memory while it is written.

python benchmarks/full_size_checkpoint.py full-size --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from kosmos_agent.model.checkpoint import load_tokenizer, save_model
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.tokenizer import build_word_tokenizer

_WORDS = ("the", "a", "an", "image", "of", "red", "green", "blue", "yellow", "cup", "box", "plate", "ball", "left")
_SHARD_BYTES = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="is made, or its weights replaced")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--tokenizer", type=Path, help="a folder with the published tokenizer; without, one of a few words"
    )
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.tokenizer) if arguments.tokenizer else build_word_tokenizer(_WORDS)
    model = random_model(Kosmos2Config(), arguments.seed)
    save_model(model, arguments.folder, tokenizer=tokenizer, max_shard_bytes=_SHARD_BYTES)
    report = {
        "folder": str(arguments.folder),
        "parameters": sum(value.numel() for value in model.parameters()),
        "bytes": sum(value.nbytes for value in model.parameters()),
        "tokens": tokenizer.size,
    }
    print(json.dumps(report))


def random_model(config: Kosmos2Config, seed: int) -> Kosmos2:
    """Weights of variance 1 / inputs, norms that do nothing, no biases: activations keep their size."""
    model = skeleton(config)
    model.load_state_dict(dict(_random_tensors(model, torch.Generator().manual_seed(seed))), assign=True)
    return model


def _random_tensors(model: Kosmos2, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    for name, value in model.state_dict().items():
        if value.ndim == 1 and "class_embedding" not in name:
            yield name, torch.full(value.shape, float(name.endswith("weight")), dtype=torch.bfloat16)
            continue
        inputs = value[0].numel() if value.ndim > 1 else value.numel()
        yield name, (torch.randn(value.shape, generator=generator) * inputs**-0.5).to(torch.bfloat16)


if __name__ == "__main__":
    main()
