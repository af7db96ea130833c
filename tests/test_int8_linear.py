"""8-bit linear layers: exact integers, bounded errors, every number of rows, outliers, kernels that agree."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.model.int8_kernels import (
    LARGEST,
    PackedKernel,
    PlainKernel,
    exact_kernels,
    is_exact,
    product_elsewhere,
)
from kosmos_agent.model.int8_linear import Int8Linear, Int8Weight, quantize_rows

KERNELS = exact_kernels("cpu")
NONE = torch.zeros(0, dtype=torch.long)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def codes(rows, columns, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-LARGEST, LARGEST + 1, (rows, columns), dtype=torch.int8, generator=generator)


@pytest.fixture(params=[PlainKernel, PackedKernel], ids=lambda kind: kind.name)
def kernel(request):
    found = request.param()
    if not is_exact(found, "cpu"):
        pytest.skip(f"this CPU's {found.name} products are not exact")
    return found


def test_there_are_exact_products_here():
    assert "plain" in [kernel.name for kernel in KERNELS]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 65, 130])
def test_products_equal_integer_arithmetic_for_every_number_of_rows(kernel, rows):
    x, weight = codes(rows, 72, rows), codes(40, 72, 1)
    product = kernel.scaled_product(x, kernel.prepare(weight), torch.ones(40))
    assert product.dtype == torch.float32
    assert torch.equal(product.long(), x.long() @ weight.long().t())


def test_the_largest_codes_do_not_saturate(kernel):
    weight = torch.full((16, 4096), LARGEST, dtype=torch.int8)
    weight[1::2] *= -1
    product = kernel.scaled_product(weight[:3], kernel.prepare(weight), torch.ones(16))
    assert torch.equal(product.abs(), torch.full((3, 16), float(4096 * LARGEST**2)))


@pytest.mark.skipif(len(KERNELS) < 2, reason="this machine has one exact kernel")
def test_kernels_agree_to_the_last_bit():
    weight, scale = codes(48, 200), random(48).abs()
    for rows in (1, 5, 40):
        x = codes(rows, 200, rows)
        plain, packed = (each.scaled_product(x, each.prepare(weight), scale) for each in KERNELS)
        assert torch.equal(plain, packed)


def test_a_kernel_that_saturates_is_not_exact():
    class Saturating(PlainKernel):
        def scaled_product(self, codes, prepared, scale):
            return super().scaled_product(codes, prepared, scale).clamp(-(2**20), 2**20)

    class Absent(PlainKernel):
        def prepare(self, weight):
            raise RuntimeError("no such operator")

    assert is_exact(PlainKernel(), "cpu")
    assert not is_exact(Saturating(), "cpu")
    assert not is_exact(Absent(), "cpu")


@given(st.integers(1, 6), st.integers(1, 40), st.floats(-30, 30), st.integers(0, 99))
@settings(max_examples=40)
def test_codes_are_at_most_half_a_step_off(rows, columns, octave, seed):
    x = random(rows, columns, seed=seed) * 2.0**octave
    found, step = quantize_rows(x)
    assert found.abs().max() <= LARGEST
    assert ((found * step - x).abs() <= step * (0.5 + 1e-3)).all()


def test_rows_of_zeros_stay_zeros_and_what_is_not_finite_shows():
    x = random(4, 8)
    x[0] = 0
    x[1, 3], x[2, 3] = float("nan"), float("inf")
    layer = Int8Linear(Int8Weight.of(random(16, 8), NONE), None, PlainKernel())
    out = layer(x)
    assert torch.equal(out[0], torch.zeros(16))
    assert not out[1].isfinite().any()
    assert not out[2].isfinite().any()
    assert out[3].isfinite().all()


@pytest.mark.parametrize("shape", [(1, 64), (5, 64), (2, 3, 64), (1, 1, 64)])
def test_a_layer_is_its_integers_and_near_the_float_layer(kernel, shape):
    weight, bias, x = random(32, 64), random(32, seed=1), random(*shape, seed=2)
    quantized = Int8Weight.of(weight, NONE)
    out = Int8Linear(quantized, bias, kernel)(x)
    expected = F.linear(x, weight, bias)
    assert out.shape == expected.shape
    assert (out - expected).norm() / expected.norm() < 0.02
    found, step = quantize_rows(x.flatten(0, -2))
    exact = (found.double() * step.double()) @ quantized.dequantized().double().t() + bias
    assert torch.allclose(out.flatten(0, -2).double(), exact, rtol=1e-5, atol=1e-5)


def test_a_row_does_not_depend_on_its_neighbours(kernel):
    layer = Int8Linear(Int8Weight.of(random(32, 64), NONE), random(32), kernel)
    x = random(20, 64)
    assert torch.equal(layer(x)[7:8], layer(x[7:8]))


def test_outlier_channels_are_kept_and_save_the_others(kernel):
    weight, x = random(32, 64), random(9, 64)
    x[:, 5] *= 500
    expected = F.linear(x, weight)
    coarse, fine = (
        Int8Linear(Int8Weight.of(weight, outliers), None, kernel)(x) for outliers in (NONE, torch.tensor([5]))
    )
    others = x.clone()
    others[:, 5] = 0
    error = (fine - expected).norm()
    assert error < (coarse - expected).norm() / 20
    assert error < 0.02 * F.linear(others, weight).norm()


def test_dequantized_weights_hold_the_outliers_exactly():
    weight = random(16, 24)
    whole = Int8Weight.of(weight, torch.tensor([3, 20])).dequantized()
    assert torch.equal(whole[:, [3, 20]], weight[:, [3, 20]])
    assert (whole - weight).abs().max() <= weight.abs().max() / LARGEST / 2 * 1.001


def test_the_type_of_the_input_is_kept():
    layer = Int8Linear(Int8Weight.of(random(16, 24), torch.tensor([1])), random(16), PlainKernel())
    assert layer(random(3, 24).bfloat16()).dtype == torch.bfloat16


@pytest.mark.skipif(len(KERNELS) < 2, reason="this machine has one exact kernel")
def test_changing_the_kernel_changes_no_bit():
    layer, x = Int8Linear(Int8Weight.of(random(32, 64), NONE), random(32), KERNELS[0]), random(6, 64)
    before = layer(x)
    for kernel in (KERNELS[0], KERNELS[-1], KERNELS[0]):
        layer.use(kernel)
        assert torch.equal(layer(x), before)
    assert layer.kernel is KERNELS[-1], "packed codes are not unpacked"


def test_products_on_cuda_get_rows_and_columns_that_it_takes(monkeypatch):
    """cuBLAS wants more than 16 rows, and multiples of 8 of everything."""
    shapes, product_here = [], torch._int_mm

    def noting(left, right):
        shapes.append((*left.shape, right.shape[1]))
        return product_here(left, right)

    monkeypatch.setattr(torch, "_int_mm", noting)
    for rows in (1, 3, 16, 17, 33):
        x, weight = codes(rows, 64), codes(24, 64, 1)
        assert torch.equal(product_elsewhere(x, weight).long(), x.long() @ weight.long().t())
    assert all(m > 16 and m % 8 == k % 8 == n % 8 == 0 for m, k, n in shapes)
    assert len(shapes) == 5
