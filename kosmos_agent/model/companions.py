"""The files beside the weights that go along when a model is saved from another one's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

TOKENIZER_FILE = "tokenizer.json"
SENTENCEPIECE_FILE = "sentencepiece.bpe.model"
PROFILE_FILE = "profile.json"
COPIED_FILES = (
    "generation_config.json",
    TOKENIZER_FILE,
    SENTENCEPIECE_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "preprocessor_config.json",
    "processor_config.json",
)
MEASURED = ("bfloat16",)
"""What a profile says because it was measured, of the weights that it lay beside and of no others."""


def copy_companions(source: Path, target: Path) -> None:
    """Tokenizer, generation and preprocessor files, and the habits of the profile, as far as there are any."""
    for name in COPIED_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if (source / PROFILE_FILE).is_file():
        text = (source / PROFILE_FILE).read_text(encoding="utf-8")
        (target / PROFILE_FILE).write_text(_habits(text), encoding="utf-8")


def _habits(profile: str) -> str:
    """Without claims about the weights; what is no profile stays as it is, for its reader to refuse."""
    try:
        data = json.loads(profile)
    except ValueError:
        return profile
    if not isinstance(data, dict):
        return profile
    return json.dumps({name: value for name, value in data.items() if name not in MEASURED}) + "\n"
