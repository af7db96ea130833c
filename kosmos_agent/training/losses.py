"""What the model is trained on: the published next-token loss, plus two helpers that are dropped at run time.

The helpers turn hours into minutes on a CPU: a *pointer* from the state that opens a box to the vision cells that the
thing covers, and *dense* labels (category, colour, box) on every cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.training.batches import Batch, Vocabulary


class Helpers(nn.Module):
    """Heads that exist only while training."""

    def __init__(self, vision_width: int, text_width: int, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.sizes = (len(vocabulary.categories) + 1, len(vocabulary.colours) + 1, 4)
        self.dense = nn.Linear(vision_width, sum(self.sizes))
        self.query = nn.Linear(text_width, text_width)
        self.key = nn.Linear(vision_width, text_width)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts, and the spread of a location target over its neighbours, in cells."""

    location: float = 1.0
    word: float = 0.5
    pointer: float = 1.0
    dense: float = 1.0
    location_sigma: float = 0.6


def smoothed_locations(side: int, sigma: float) -> Tensor:
    """(side^2, side^2): row k is a normalised bump around cell k, so that a near miss costs less than a far one."""
    row, column = torch.arange(side * side) // side, torch.arange(side * side) % side
    square = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    bump = torch.exp(-square / (2 * sigma**2))
    return bump / bump.sum(dim=1, keepdim=True)


class Objective(nn.Module):
    """Sum of the weighted parts for one batch; `first_location` is the id of location token 0."""

    smooth: Tensor

    def __init__(self, helpers: Helpers, weights: LossWeights, first_location: int, side: int) -> None:
        super().__init__()
        self.helpers = helpers
        self.weights = weights
        self.first_location = first_location
        self.register_buffer("smooth", smoothed_locations(side, weights.location_sigma), persistent=False)

    def forward(self, model: Kosmos2, batch: Batch, *, dense_only: bool = False) -> dict[str, Tensor]:
        """Parts by name and their weighted sum under `loss`."""
        vision = model.vision_model(batch.pixels().to(model.dtype))
        parts = {"dense": self._dense(vision, batch)}
        if not dense_only:
            hidden = packed_hidden(model, vision, batch)
            parts |= self._tokens(model, hidden, batch)
            parts["pointer"] = self._pointer(hidden, vision, batch)
        total = sum(getattr(self.weights, name) * value for name, value in parts.items())
        return {**parts, "loss": torch.as_tensor(total)}

    def _tokens(self, model: Kosmos2, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        wanted = batch.targets >= 0
        target = batch.targets[wanted]
        log_p = model.logits(hidden[wanted]).float().log_softmax(dim=-1)
        location = target - self.first_location
        is_location = (location >= 0) & (location < len(self.smooth))
        rows = log_p[is_location][:, self.first_location : self.first_location + len(self.smooth)]
        soft = -(self.smooth[location[is_location]] * rows).sum(dim=-1)
        hard = F.nll_loss(log_p[~is_location], target[~is_location], reduction="sum")
        words = (~is_location).sum().clamp(min=1)
        return {"location": soft.sum() / is_location.sum().clamp(min=1), "word": hard / words}

    def _pointer(self, hidden: Tensor, vision: Tensor, batch: Batch) -> Tensor:
        row, column = (batch.pointers > 0).nonzero(as_tuple=True)
        query = self.helpers.query(hidden[row, column])
        key = self.helpers.key(vision)
        score = torch.einsum("qd,qnd->qn", query, key[row]).float() * query.shape[-1] ** -0.5
        share = batch.coverage[row, batch.pointers[row, column]]
        total = share.sum(dim=1, keepdim=True)
        loss = -(share / total.clamp(min=1e-6) * score.log_softmax(dim=-1)).sum(dim=1)
        seen = total[:, 0] > 0
        return loss[seen].sum() / seen.sum().clamp(min=1)

    def _dense(self, vision: Tensor, batch: Batch) -> Tensor:
        category, colour, box = self.helpers.dense(vision).float().split(self.helpers.sizes, dim=-1)
        loss = F.cross_entropy(category.flatten(0, 1), batch.category.flatten())
        loss = loss + F.cross_entropy(colour.flatten(0, 1), batch.colour.flatten())
        covered = batch.category > 0
        if covered.any():
            loss = loss + 5 * F.l1_loss(box[covered], batch.box[covered])
        return loss


def packed_hidden(model: Kosmos2, vision: Tensor, batch: Batch) -> Tensor:
    """Final hidden states (B, T, D) of packed rows; the image slots are tokens 2 to 2 + L."""
    image = model.resample(vision)
    slots = torch.zeros_like(batch.ids)
    slots[:, 2 : 2 + image.shape[1]] = 1
    embeds = model.embed(batch.ids, image, slots)
    return model.decode(embeds, batch.positions, mask=batch.attention_mask())
