"""Nothing that inference makes for itself is forgotten on the host while the model is elsewhere."""

import pytest
import torch
from tiny_kosmos import tiny_grounder
from torch import nn
from two_devices import TwoDevices

from kosmos_agent.benchmarking.throughput import our_calls
from kosmos_agent.benchmarking.works import PHRASES, noise_picture
from kosmos_agent.inference.agreement import sample_answers
from kosmos_agent.model.folding import fold_norms
from kosmos_agent.results import Box
from kosmos_agent.views import find_together, view_together

BOX = Box(x1=0.1, y1=0.1, x2=0.6, y2=0.7)
WAYS = {
    "one phrase": lambda view: view.find(PHRASES[0]),
    "eight phrases": lambda view: view.find_all(PHRASES),
    "a relation": lambda view: view.find("the red cup left of the blue box"),
    "each of several": lambda view: view.find_each("the red cups"),
    "a second look": lambda view: view.find(PHRASES[0], zoom=True),
    "a description": lambda view: view.describe(BOX),
    "a caption": lambda view: view.caption(),
    "an answer": lambda view: view.answer("what is it"),
}


@pytest.fixture(scope="module", params=[False, True], ids=["published tower", "embedded tower"])
def grounder(request):
    found = tiny_grounder(2, location_gain=2.0, conv=request.param)
    fold_norms(found.model)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_all_that_meets_the_model_is_on_its_device(grounder, way):
    with TwoDevices(grounder.model) as devices:
        WAYS[way](grounder.view(noise_picture()))
    assert devices.met == []


def test_several_pictures_in_one_pass_are_too(grounder):
    calls = our_calls(grounder, noise_picture())
    with TwoDevices(grounder.model) as devices:
        calls["frames/s, 8 in a batch, 1 phrase each"][1]()
    assert devices.met == []


def test_views_that_are_asked_together_are_too(grounder):
    with TwoDevices(grounder.model) as devices:
        views = view_together(grounder, [(noise_picture(), None, "camera")] * 2)
        find_together([(views[0], PHRASES[:2], None), (views[1], PHRASES[:1], None)])
    assert devices.met == []


def test_the_check_of_number_types_is_too(grounder):
    with TwoDevices(grounder.model) as devices:
        sample_answers(grounder.model, grounder.processor)
    assert devices.met == []


class Forgetful(nn.Linear):
    """What this file is there to find."""

    def forward(self, x):
        return super().forward(x) + torch.arange(self.out_features)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda layer, x: layer(x.to(layer.weight.device)), 1),
        (lambda layer, x: nn.Linear.forward(layer, x), 1),
        (lambda layer, x: nn.Linear.forward(layer, x.to(layer.weight.device)), 0),
        (lambda layer, x: nn.Linear.forward(layer, x.to(layer.weight.device)).cpu() + x, 0),
        (lambda layer, x: torch.zeros(2, 3, device=layer.weight.device) @ layer.weight, 0),
        (lambda layer, x: layer.weight[torch.tensor([0, 1])] * 2.0, 0),
    ],
)
def test_a_tensor_that_was_forgotten_is_seen(call, expected):
    layer = Forgetful(3, 3)
    with TwoDevices(layer) as devices, torch.inference_mode():
        call(layer, torch.ones(2, 3))
    assert len(devices.met) == expected
