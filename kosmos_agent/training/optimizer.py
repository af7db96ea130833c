"""Muon for the matrices and kernels inside the network, AdamW for the rest.

Orthogonalised steps reach the same loss in about half as many pictures as AdamW here (docs/training-log.md), for a
tenth more time a step. Embeddings, image slots, norms, biases and the helper heads keep AdamW, as Muon is meant.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kosmos_agent.training.settings import TrainSettings

_NOT_HIDDEN = ("embed_tokens", "latent_query", "helpers.", "stages.0.0.conv")
"""Name parts of inputs and outputs: there no direction is like another, and Muon's equal steps make no sense."""
_MUON_MOMENTUM = 0.95


class Optimizer:
    """Steps the kept weights; both parts follow one learning rate, as Muon's steps are scaled to AdamW's size."""

    def __init__(self, masters: Mapping[str, nn.Parameter], settings: TrainSettings) -> None:
        self._masters = dict(masters)
        hidden = {name: value for name, value in masters.items() if is_hidden_matrix(name, value)}
        others = {name: value for name, value in masters.items() if name not in hidden}
        # Views: a kernel is the matrix from its patch to its outputs.
        self._matrices = {name: nn.Parameter(value.detach().flatten(1)) for name, value in hidden.items()}
        self._muon = torch.optim.Muon(
            list(self._matrices.values()),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            momentum=_MUON_MOMENTUM,
            adjust_lr_fn="match_rms_adamw",
        )
        self._adam = torch.optim.AdamW(
            list(others.values()),
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._owners: dict[str, tuple[torch.optim.Optimizer, nn.Parameter]] = {
            **{name: (self._muon, value) for name, value in self._matrices.items()},
            **{name: (self._adam, value) for name, value in others.items()},
        }

    def clear_gradients(self) -> None:
        for master in self._masters.values():
            master.grad = None

    def step(self, rate: float) -> None:
        """One step at the given learning rate; weights without a gradient stay as they are."""
        for name, matrix in self._matrices.items():
            grad = self._masters[name].grad
            matrix.grad = None if grad is None else grad.flatten(1)
        both: tuple[torch.optim.Optimizer, ...] = (self._muon, self._adam)
        for optimizer in both:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()

    def moments(self) -> dict[str, Tensor]:
        """What a resumed run needs, as `weight name/kind of moment`."""
        return {
            f"{name}/{kind}": torch.as_tensor(value).detach()
            for name, (optimizer, value_of) in self._owners.items()
            for kind, value in optimizer.state.get(value_of, {}).items()
        }

    def load_moments(self, moments: Mapping[str, Tensor]) -> None:
        for key, value in moments.items():
            name, _, kind = key.rpartition("/")
            optimizer, owner = self._owners[name]
            optimizer.state[owner][kind] = value.to(owner.device)


def is_hidden_matrix(name: str, value: Tensor) -> bool:
    """Whether Muon steps it: a matrix or kernel that is neither an input nor an output of the network."""
    return value.ndim >= 2 and not any(part in name for part in _NOT_HIDDEN)
