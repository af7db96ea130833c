"""The contract of a way of asking, and what several ways share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidPhraseError
from kosmos_agent.evaluation.benchmarks.samples import Sample
from kosmos_agent.grounder import Grounder
from kosmos_agent.markup import escape_user_text

Rgb = NDArray[np.uint8]
Protocol_ = Literal["paper", "view"]
"""`paper`: its prompts and decoding. `view`: the calls that users make, with all that a model's profile adds."""

S_contra = TypeVar("S_contra", bound=Sample, contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Asker(Protocol[S_contra, R_co]):
    """Asks all samples of one picture; one record each, in order.

    It holds no model and can be sent to another process. settings: everything that the records depend on but the
    model and the data.
    """

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[S_contra]) -> list[R_co]: ...


def refusal(text: str, limit: int | None = None) -> str | None:
    """Why `text` cannot be put to a model; None where it can. Public data hold expressions without a letter."""
    try:
        if limit is None:
            escape_user_text(text)
        else:
            escape_user_text(text, limit)
    except InvalidPhraseError as error:
        return str(error)
    return None
