"""The contract of a way of asking, and what several ways share.

Two ways: the paper's prompts and decoding, and the calls that users make, with all that a model's profile adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidPhraseError
from kosmos_agent.evaluation.benchmarks.samples import Sample
from kosmos_agent.grounder import Grounder
from kosmos_agent.markup import MAX_USER_CHARACTERS, escape_user_text

Rgb = NDArray[np.uint8]
S_contra = TypeVar("S_contra", bound=Sample, contravariant=True)
R = TypeVar("R")


class Asker(Protocol[S_contra, R]):
    """Asks all samples of one picture; one record each, in order.

    It holds no model and can be sent to another process. settings: everything that the records depend on but the
    model and the data.
    """

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[S_contra]) -> list[R]: ...


def refusal(text: str, limit: int = MAX_USER_CHARACTERS) -> str | None:
    """Why `text` cannot be put to a model; None where it can. Public data hold expressions without a letter."""
    try:
        escape_user_text(text, limit)
    except InvalidPhraseError as error:
        return str(error)
    return None
