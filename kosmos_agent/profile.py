"""How a checkpoint wants to be asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import read_json
from kosmos_agent.model.companions import PROFILE_FILE


@dataclass(frozen=True)
class Profile:
    """`profile.json` beside the weights; published habits where there is none.

    zoom: whether small things get a second look unless the call says otherwise; it costs a picture's encoding each.
    mean_boxes: `Decision.mean_boxes`. both_ways: whether each look is taken in the mirror image as well, for a model
    that was trained on mirrored pictures; it costs a second encoding of the picture and a second pass of the phrases.
    second_opinion: whether a thing that was found is asked what it is, and what else its name is written for, where
    second looks are on: for a model that learnt to describe boxes in a few plain words and to write plurals. It costs
    the encoding of a window and four tokens for each thing, and three tokens for each that bears the name.
    list_captions: whether its brief captions list things, so that each can be looked at again and put right.
    taught_words: words, in lower case, that the tokenizer spells letter by letter and the model learnt all the same.
    bfloat16: whether the answers of these very weights and their calibration were measured to be as good in bfloat16 as
    in float32; `save_model` does not carry it over to others.
    """

    grounded_answers: bool = True
    detailed_captions: bool = True
    zoom: bool = False
    mean_boxes: bool = False
    both_ways: bool = False
    list_captions: bool = False
    second_opinion: bool = False
    bfloat16: bool = False
    taught_words: tuple[str, ...] = ()

    @property
    def single_look(self) -> bool:
        """Whether a phrase is answered from one look at the picture, for all that the profile says."""
        return not (self.zoom or self.both_ways)

    @classmethod
    def read(cls, folder: Path) -> Profile:
        path = folder / PROFILE_FILE
        if not path.is_file():
            return cls()
        data = read_json(path)
        known = [item.name for item in fields(cls)]
        if not (data.keys() <= set(known) and all(_is_valid(name, value) for name, value in data.items())):
            raise CheckpointError(
                f"{path} is not a profile: {data}; valid: {_WORDS}, a list of words, and true or false for "
                f"{', '.join(name for name in known if name != _WORDS)}"
            )
        words = tuple(data.pop(_WORDS, ()))
        return cls(**data, taught_words=words)

    def write(self, folder: Path) -> None:
        (folder / PROFILE_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


_WORDS = "taught_words"


def _is_valid(name: str, value: Any) -> bool:
    if name == _WORDS:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    return isinstance(value, bool)
