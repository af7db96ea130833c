"""Streams of random numbers that must not be one and the same."""

from itertools import product

import numpy as np
from kosmos_sim.seeds import Purpose, generator


def test_no_two_purposes_or_numbers_share_a_stream():
    numbers = [*product(range(4)), *product(range(4), repeat=2), *product(range(4), repeat=3)]
    keys = [(purpose, taken) for purpose, taken in product(Purpose, numbers) if len(taken) == 1 + purpose % 3]
    draws = {generator(purpose, *taken).bytes(16) for purpose, taken in keys}
    assert len(draws) == len(keys)


def test_a_model_and_its_first_picture_differ():
    model, picture = generator(Purpose.MODEL, 9, 3), generator(Purpose.PICTURE, 9, 3, 0)
    assert not np.array_equal(model.random(8), picture.random(8))


def test_the_same_numbers_give_the_same_stream():
    first, again = generator(Purpose.EXAMPLE, 1, 2, 3), generator(Purpose.EXAMPLE, 1, 2, 3)
    assert np.array_equal(first.random(8), again.random(8))
