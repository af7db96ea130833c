"""Which weights Muon steps, and that its moments survive a stop."""

import torch
from tiny_kosmos import tiny_model

from kosmos_agent.training.optimizer import Optimizer, is_hidden_matrix
from kosmos_agent.training.settings import TrainSettings

SETTINGS = TrainSettings(learning_rate=1e-2, weight_decay=0.0)


def masters():
    return {f"model.{name}": value for name, value in tiny_model(0, conv=True).named_parameters()}


def give_gradients(weights, seed=0):
    torch.manual_seed(seed)
    for value in weights.values():
        value.grad = torch.randn_like(value)


def test_matrices_and_kernels_inside_the_network_are_hidden_and_its_ends_are_not():
    hidden = {name for name, value in masters().items() if is_hidden_matrix(name, value)}
    assert "model.text_model.model.layers.0.ffn.fc1.weight" in hidden
    assert "model.vision_model.model.stages.2.2.first.conv.weight" in hidden
    for name in ("text_model.model.embed_tokens.weight", "vision_model.model.stages.0.0.conv.weight"):
        assert f"model.{name}" not in hidden
    assert not any(name.endswith(("bias", "norm.weight", "latent_query")) for name in hidden)


def test_a_step_moves_every_direction_of_a_kernel_alike_and_a_vector_by_the_rate():
    weights = masters()
    before = {name: value.detach().clone() for name, value in weights.items()}
    optimizer = Optimizer(weights, SETTINGS)
    give_gradients(weights)
    optimizer.step(1e-2)
    kernel = "model.vision_model.model.stages.2.2.first.conv.weight"
    moved = (weights[kernel].detach() - before[kernel]).flatten(1)
    strengths = torch.linalg.svdvals(moved)
    assert strengths.max() < 2.5 * strengths.min()
    gradient = torch.linalg.svdvals(weights[kernel].grad.flatten(1))
    assert gradient.max() > 1.5 * gradient.min()
    bias = "model.text_model.model.layers.0.ffn.fc1.bias"
    assert torch.allclose((weights[bias].detach() - before[bias]).abs(), torch.tensor(1e-2), rtol=1e-3)


def test_weights_without_a_gradient_stay():
    weights = masters()
    before = {name: value.detach().clone() for name, value in weights.items()}
    optimizer = Optimizer(weights, SETTINGS)
    give_gradients({name: value for name, value in weights.items() if "vision" in name})
    optimizer.step(1e-2)
    still = {name for name, value in weights.items() if torch.equal(value, before[name])}
    assert still == {name for name in weights if "vision" not in name}
    optimizer.clear_gradients()
    assert all(value.grad is None for value in weights.values())


def test_loaded_moments_go_on_as_if_nothing_had_stopped():
    straight, stopped = masters(), masters()
    first, second = Optimizer(straight, SETTINGS), Optimizer(stopped, SETTINGS)
    for weights, optimizer in ((straight, first), (stopped, second)):
        give_gradients(weights, seed=1)
        optimizer.step(1e-2)
    resumed = Optimizer(stopped, SETTINGS)
    resumed.load_moments(second.moments())
    for weights, optimizer in ((straight, first), (stopped, resumed)):
        give_gradients(weights, seed=2)
        optimizer.step(1e-2)
    for name, value in straight.items():
        assert torch.equal(value, stopped[name]), name
