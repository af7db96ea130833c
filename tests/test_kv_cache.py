"""Keys and values that were written, taken apart and put together again: nothing is lost, nothing is shared."""

from __future__ import annotations

import pytest
import torch

from kosmos_agent.model.cache import KVCache


def cache(batch: int, length: int, room: int = 0) -> KVCache:
    made = KVCache(2, batch, 3, length + room, 4, dtype=torch.float32, device=torch.device("cpu"))
    made.extend(*torch.randn(2, 2, batch, 3, length, 4, generator=torch.Generator().manual_seed(10 * batch + length)))
    return made


def test_rows_stacked_are_the_rows_again() -> None:
    two, one = cache(2, 5), cache(1, 5, room=3)
    whole = KVCache.stacked([two, one], 4)
    assert (whole.length, whole.capacity) == (5, 9)
    for index, (source, row) in enumerate([(two, 0), (two, 1), (one, 0)]):
        for found, wanted in zip(whole.row(index).filled(), source.row(row).filled(), strict=True):
            assert torch.equal(found, wanted)


def test_joined_stand_one_after_another() -> None:
    first, second = cache(1, 2), cache(1, 5)
    one = KVCache.joined([first, second], 1)
    assert (one.length, one.capacity) == (7, 8)
    for found, *parts in zip(one.filled(), first.filled(), second.filled(), strict=True):
        assert torch.equal(found, torch.cat(parts, dim=3))


@pytest.mark.parametrize("rows", [None, 3])
def test_a_fork_is_a_copy_that_may_have_more_rows(rows: int | None) -> None:
    one = cache(1, 4)
    before = one.keys.clone()
    copy = one.fork(2, rows)
    assert copy.keys.shape[1] == (rows or 1)
    assert torch.equal(copy.filled()[0], before.expand(-1, rows or 1, -1, -1, -1))
    copy.keys.zero_()
    assert torch.equal(one.keys, before)


def test_what_does_not_fit_is_refused_and_loses_nothing() -> None:
    full = cache(1, 4)
    with pytest.raises(ValueError, match="cache of 4 positions cannot take 5"):
        full.extend(*torch.zeros(2, 2, 1, 3, 1, 4))
    assert full.length == 4
    with pytest.raises(ValueError, match=r"\[4, 5\] positions; valid: equally many"):
        KVCache.stacked([full, cache(1, 5)], 0)
