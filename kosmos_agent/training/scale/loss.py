"""The published loss (specification 6.3) of a model over a batch of packed rows."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.training.rows.batch import TokenBatch
from kosmos_agent.training.scale.parts import vision_layers


class Learner(nn.Module):
    """The root that devices share: everything that reads weights happens inside its forward.

    head_chunk: tokens whose logits exist at one time; a whole pass at once would cost more memory than the layers.
    sources: how many the recipe has. always_sees: a pass without pictures works through a blank one, so that every
    process meets the others in every layer.
    """

    def __init__(self, model: Kosmos2, *, head_chunk: int, sources: int, always_sees: bool = False) -> None:
        super().__init__()
        self.model = model
        self.head_chunk, self.sources, self.always_sees = head_chunk, sources, always_sees

    def forward(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """Sum of the losses of the counted tokens, and (sources,) the same by source, without a gradient."""
        hidden = self._hidden(batch)
        losses = self._losses(hidden.flatten(0, 1)[batch.counted], batch.targets)
        by_source = losses.new_zeros(self.sources).index_add(0, batch.sources, losses.detach())
        # A pass in which nothing counts still reaches every weight that it went through.
        return losses.sum() + 0 * hidden.sum(), by_source

    def _hidden(self, batch: TokenBatch) -> Tensor:
        model, silent = self.model, None
        if len(batch.rgb):
            embeds = model.embed(batch.ids, model.encode_image(batch.pixels()), batch.slots)
        else:
            embeds = model.embed(batch.ids)
            if self.always_sees:
                side = model.config.vision.image_size
                silent = model.encode_image(torch.zeros(1, 3, side, side, device=batch.ids.device, dtype=model.dtype))
        hidden = model.decode(embeds, batch.positions, mask=batch.attention_mask())
        return hidden if silent is None else hidden + 0 * silent.sum()

    def _losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """(K,) float32."""
        if len(hidden) <= self.head_chunk:
            return self._chunk(hidden, targets)
        chunks = zip(torch.split(hidden, self.head_chunk), torch.split(targets, self.head_chunk), strict=True)
        return torch.cat([checkpoint(self._chunk, *chunk, use_reentrant=False) for chunk in chunks])

    def _chunk(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(self.model.logits(hidden).float(), targets, reduction="none")


def checkpoint_layers(model: Kosmos2) -> None:
    """Layers keep only what goes in, and are computed again on the way back."""
    for layer in (*model.text_model.model.layers, *vision_layers(model)):
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
