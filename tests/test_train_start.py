"""What a run of training begins with: a trained vision tower in a model that is random otherwise."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModel

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.model.folder import locate
from kosmos_agent.training.recipe.models import ModelSection, Shape
from kosmos_agent.training.scale.start import begin

TEXT = {"embed_dim": 192, "layers": 1, "ffn_dim": 32, "attention_heads": 6, "max_position_embeddings": 128}
CLIP = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def section(vision: dict[str, object], tower: object) -> ModelSection:
    shape = Shape(text=TEXT, vision=vision, image_slots=4)
    return ModelSection(shape=shape, tokenizer="tabletop", vision=str(tower))


@pytest.fixture
def clip(tmp_path):
    """A folder with the tower alone, one with a whole CLIP around it, and the tower."""
    tower = CLIPVisionModel(CLIPVisionConfig(**CLIP)).eval()
    tower.save_pretrained(tmp_path / "tower")
    tensors = {f"vision_model.{name}": value for name, value in tower.state_dict().items()}
    (tmp_path / "whole").mkdir()
    save_file({**tensors, "text_model.embeddings": torch.zeros(1)}, tmp_path / "whole" / "model.safetensors")
    return tmp_path / "tower", tmp_path / "whole", tower


@pytest.mark.parametrize("kind", [0, 1])
def test_the_tower_of_a_clip_sees_what_the_clip_sees(clip, kind):
    folder, theirs = clip[kind], clip[2]
    ours = begin(section(CLIP, folder), seed=0).model.eval()
    pixels = torch.rand(1, 3, 28, 28)
    with torch.no_grad():
        expected = theirs.post_layernorm(theirs(pixels).last_hidden_state)
        torch.testing.assert_close(ours.vision_model(pixels), expected)


def test_the_embedded_models_tower_comes_without_the_rest_of_it():
    vision = {"model_type": "kosmos_agent_conv_vision", "image_size": 128}
    ours = begin(section(vision, "tabletop"), seed=0).model.eval()
    embedded = load_model(locate("tabletop"), dtype=torch.float32)
    pixels = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(ours.vision_model(pixels), embedded.vision_model(pixels))
    assert ours.config.text.embed_dim == TEXT["embed_dim"]


def test_a_tower_of_other_sizes_is_refused_by_the_name_of_a_tensor(clip):
    with pytest.raises(CheckpointError, match=r"no vision tower for this shape: no .* valid: a CLIP"):
        begin(section({**CLIP, "hidden_size": 32}, clip[0]), seed=0)
    with pytest.raises(CheckpointError, match="no vision tower for this shape"):
        begin(section(CLIP, "tabletop"), seed=0)
