"""Settings of a `config.json`: read strictly, refused by name."""

import math

import pytest

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.config import ClipVisionConfig, ConvVisionConfig, Kosmos2Config, TextConfig

CONV = {"model_type": "kosmos_agent_conv_vision"}


@pytest.mark.parametrize("vision", [ClipVisionConfig(), ConvVisionConfig(), ConvVisionConfig((8, 16), (0, 2))])
def test_what_is_written_is_read_back(vision):
    config = Kosmos2Config(TextConfig(vocab_size=300, layer_norm_eps=1e-3), vision, 7)
    assert Kosmos2Config.from_dict(config.to_dict()) == config


def test_other_names_and_unknown_settings_are_taken_as_published():
    text = {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3, "init_std": "any"}
    config = Kosmos2Config.from_dict({"text_config": text, "vision_config": {"hidden_act": "quick_gelu"}})
    assert (config.text.embed_dim, config.text.attention_heads, config.text.layers) == (64, 4, 3)


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("text_config", {"layers": 0}, r"text_config\.layers is 0; valid: greater than or equal to 1"),
        ("text_config", {"layers": -2}, r"text_config\.layers is -2; valid"),
        ("text_config", {"layers": "2"}, r"text_config\.layers is '2'; valid: a valid integer"),
        ("text_config", {"ffn_dim": True}, r"text_config\.ffn_dim is True; valid"),
        ("text_config", {"ffn_dim": 2.5}, r"text_config\.ffn_dim is 2\.5; valid"),
        ("text_config", {"vocab_size": None}, r"text_config\.vocab_size is None; valid"),
        ("text_config", {"vocab_size": 10**12}, r"vocab_size is 10+; valid: less than or equal to 1048576"),
        ("text_config", {"dropout": math.nan}, r"text_config\.dropout is nan; valid"),
        ("text_config", {"layer_norm_eps": 0}, r"text_config\.layer_norm_eps is 0; valid"),
        ("text_config", {"scale_embedding": "yes"}, r"scale_embedding is 'yes'; valid: a valid boolean"),
        ("text_config", {"embed_dim": 100, "attention_heads": 3}, r"embed_dim 100; valid: a multiple of 3"),
        ("text_config", {"vocab_size": 50, "eos_token_id": 50}, r"eos_token_id 50; valid: 0 to 49"),
        ("text_config", {"activation_function": "relu"}, r"activation_function 'relu' .*valid: gelu"),
        ("text_config", [1], "text_config is a list; valid: an object"),
        ("vision_config", {"model_type": "vit"}, r"model_type 'vit' .*valid: kosmos_2_vision_model, kosmos_agent"),
        ("vision_config", {"model_type": ["vit"]}, r"model_type \['vit'\] .*valid"),
        ("vision_config", {"hidden_act": "gelu"}, r"hidden_act 'gelu' .*valid: quick_gelu"),
        ("vision_config", {"num_channels": 1}, r"num_channels is 1; valid: 3"),
        ("vision_config", {"patch_size": 300}, r"patch_size 300; valid: 1 to 224"),
        ("vision_config", {"num_attention_heads": 7}, r"hidden_size 1024; valid: a multiple of 7"),
        ("vision_config", {**CONV, "stage_widths": [8, -1]}, r"stage_widths\.1 is -1; valid"),
        ("vision_config", {**CONV, "stage_widths": [8]}, r"1 stage_widths and 4 stage_blocks; valid: one of each"),
        ("vision_config", {**CONV, "stage_widths": [], "stage_blocks": []}, "0 stage_widths"),
        ("vision_config", {**CONV, "num_attention_heads": 3}, r"content_size 160; valid: a multiple of 3"),
        ("vision_config", {**CONV, "position_size": 30}, r"position_size 30; valid: a multiple of 4"),
        ("vision_config", {**CONV, "image_size": 100}, r"image_size 100; valid: a multiple of 16"),
        ("latent_query_num", 0, "latent_query_num is 0; valid"),
        ("latent_query_num", "64", "latent_query_num is '64'; valid"),
    ],
)
def test_settings_outside_their_type_or_range_are_named(section, settings, message):
    with pytest.raises(CheckpointError, match=message):
        Kosmos2Config.from_dict({section: settings})
