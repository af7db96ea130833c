"""Fine-tuning on a user's boxes: adapters on our modules, merged into the published layout, from all three formats."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from test_train_labels import write_set
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.cli._train_finetune import print_report
from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidArgumentError, InvalidConfigError
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.model.folder import locate
from kosmos_agent.training.finetune import Judge, finetune, labelled, record_words
from kosmos_agent.training.held_out import check_split, record_split, split
from kosmos_agent.training.labels.reading import read_boxes
from kosmos_agent.training.recipe.models import LoraSection
from kosmos_agent.training.recipe.reading import read_recipe
from kosmos_agent.training.scale.adapters import adapted_modules, add_adapters, merge_adapters

IDS = torch.tensor([[0, 8, 9, 10, 11]])


def moved(model):
    """Adapters that have learnt something."""
    adapters = add_adapters(model, LoraSection(rank=2, alpha=4))
    with torch.no_grad():
        for name, value in adapters.named_parameters():
            if "lora_" in name:
                value.normal_(std=0.1)
    return adapters


def outputs(model):
    pixels = torch.linspace(-1, 1, 3 * model.config.vision.image_size**2)
    side = model.config.vision.image_size
    with torch.no_grad():
        return model.encode_image(pixels.view(1, 3, side, side)), model(IDS)


@pytest.mark.parametrize("conv", [False, True])
def test_a_merged_model_answers_as_the_adapted_one_and_has_the_published_names(conv, tmp_path):
    model = tiny_model(0, conv=conv)
    names, before = set(model.state_dict()), outputs(model)
    adapters = moved(model.eval())
    adapted = outputs(model)
    merged = merge_adapters(adapters)
    assert set(merged.state_dict()) == names
    for one, other, old in zip(adapted, outputs(merged), before, strict=True):
        assert torch.allclose(one, other, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(one, old, atol=1e-2)
    save_model(merged, tmp_path, tokenizer=TOKENIZER)
    opened = load_model(tmp_path).state_dict()
    assert all(torch.equal(value, opened[name]) for name, value in merged.state_dict().items())


def test_adapters_sit_on_every_projection_of_the_chosen_parts_alone():
    model = tiny_model(0)
    projections = ("q_proj", "k_proj", "v_proj", "out_proj")
    decoder = [f"text_model.model.layers.{n}.self_attn.{name}" for n in range(2) for name in projections]
    decoder += [f"text_model.model.layers.{n}.ffn.{name}" for n in range(2) for name in ("fc1", "fc2")]
    assert sorted(adapted_modules(model, ["decoder"])) == sorted(decoder)
    resampler = [f"image_to_text_projection.x_attn.{name}" for name in projections]
    assert sorted(adapted_modules(model, ["resampler"])) == sorted([*resampler, "image_to_text_projection.dense"])
    add_adapters(model, LoraSection(parts=("decoder",)))
    assert all("lora_" in name for name, value in model.named_parameters() if value.requires_grad)


def test_transformers_opens_a_merged_model(tmp_path):
    transformers = pytest.importorskip("transformers")
    merged = merge_adapters(moved(tiny_model(0).eval()))
    save_model(merged, tmp_path, tokenizer=TOKENIZER)
    theirs = transformers.Kosmos2ForConditionalGeneration.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(theirs.text_model(IDS).logits, merged(IDS), atol=1e-4)


def test_a_split_holds_out_whole_pictures(tmp_path):
    write_set(tmp_path, "coco")
    pictures = read_boxes(tmp_path, "coco")
    parts = split(pictures, 0.34, seed=1)
    assert (len(parts.trained), len(parts.held_out)) == (4, 2)
    assert {item.path for item in (*parts.trained, *parts.held_out)} == {item.path for item in pictures}
    assert split(pictures, 0.34, seed=1) == parts
    assert len(split(pictures, None, seed=1).held_out) == 1
    with pytest.raises(InvalidArgumentError, match="leaves none"):
        split(pictures, 1.0, seed=1)


def test_an_exports_own_split_is_kept_unless_a_share_is_asked_for(tmp_path):
    for part in ("train", "valid", "test"):
        write_set(tmp_path / part, "coco", count=3)
    pictures = read_boxes(tmp_path, "coco")
    own = split(pictures, None, seed=1)
    assert own.own
    assert {picture.path.parents[1].name for picture in own.trained} == {"train"}
    assert {picture.path.parents[1].name for picture in own.held_out} == {"valid", "test"}
    assert {picture.path.parents[1].name for picture in split(pictures, 0.34, seed=1).trained} >= {"train", "valid"}


def test_a_run_goes_on_with_the_same_pictures_held_out_alone(tmp_path):
    write_set(tmp_path / "set", "coco")
    pictures, run = read_boxes(tmp_path / "set", "coco"), tmp_path / "run"
    run.mkdir()
    first, other = split(pictures, 0.34, seed=1), split(pictures, 0.5, seed=1)
    check_split(first, run)
    record_split(first, run)
    check_split(other, run)  # no step was made
    (run / "state").mkdir()
    check_split(first, run)
    for changed in (other, split(pictures, 0.34, seed=2), split(pictures[:5], 0.4, seed=1)):
        with pytest.raises(InvalidConfigError, match=r"held out 2 of 6 pictures, and now .* valid: the same pictures"):
            check_split(changed, run)
    moved = [replace(item, path=tmp_path / "elsewhere" / item.path.name) for item in pictures]
    check_split(split(moved, 0.34, seed=1), run)


def test_every_name_is_asked_of_every_held_out_picture(tmp_path):
    """More names than one picture's labels may hold; not those of a crowd, of which nothing is known."""
    write_set(tmp_path, "coco")
    first, second, *_ = read_boxes(tmp_path, "coco")
    names = [f"thing {number}" for number in range(80)]
    many = replace(first, boxes=tuple(("thing 3", first.boxes[0][1]) for _ in range(70)), crowds=("thing 5",))
    found = [(item.labels.image, phrase) for item in labelled([many, second], names) for phrase in item.labels.phrases]
    assert [phrase.text for image, phrase in found if image == second.path.name] == names
    asked = {phrase.text: phrase for image, phrase in found if image == first.path.name}
    assert asked.keys() == {*names} - {"thing 5"}
    assert [name for name, phrase in asked.items() if phrase.boxes] == ["thing 3"]


def test_judging_takes_the_device_and_the_number_type(tmp_path):
    write_set(tmp_path / "set", "coco")
    save_model(tiny_model(0), tmp_path / "model", tokenizer=TOKENIZER)
    pictures = split(read_boxes(tmp_path / "set", "coco"), 0.34, seed=1)
    with pytest.raises(InvalidArgumentError, match="device 'nowhere'"):
        Judge(pictures, device="nowhere").figures(str(tmp_path / "model"))
    with pytest.raises(InvalidArgumentError, match="dtype 'float12'"):
        Judge(pictures, precision="float12").figures(str(tmp_path / "model"))
    assert Judge(pictures, precision="bfloat16").figures(str(tmp_path / "model"))["n_present"] == 2


@pytest.mark.parametrize("form", ["coco", "labelme", "yolo"])
def test_one_command_from_an_export_to_a_model(tmp_path, form, capsys):
    write_set(tmp_path / "set", form)
    save_model(tiny_model(0), tmp_path / "start", tokenizer=TOKENIZER)
    small = ["--steps", "3", "--set", "schedule.warmup_steps=1", "--set", "data.0.per_step=2", "--set", "lora.rank=2"]
    paths = ["--data", str(tmp_path / "set"), "--model", str(tmp_path / "start"), "--out", str(tmp_path / "out")]
    assert main(["train", "finetune", "--format", form, *paths, *small, "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["trained_on"] == 5
    assert report["rejected"] == 0
    assert report["held_out"]["after"]["n_present"] + report["held_out"]["after"]["n_absent"] == 3
    model = load_model(tmp_path / "out")
    start = load_model(tmp_path / "start").state_dict()
    assert any(not torch.equal(value, start[name]) for name, value in model.state_dict().items())
    assert (tmp_path / "out" / "finetune.json").is_file()


def test_a_bad_label_stops_the_command_before_anything_is_written(tmp_path, capsys):
    write_set(tmp_path / "set", "yolo")
    (tmp_path / "set" / "labels" / "3.txt").write_text("0 0.5 0.5 2 2")
    paths = ["--data", str(tmp_path / "set"), "--model", "tabletop", "--out", str(tmp_path / "out")]
    assert main(["train", "finetune", "--format", "yolo", *paths]) == 2
    assert "3.txt line 1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_could_not_be_learnt_is_counted_in_the_report(tmp_path, capsys):
    """A picture that breaks after the labels were read, and another share of pictures held out in mid-run."""
    write_set(tmp_path / "set", "coco")
    save_model(tiny_model(0), tmp_path / "start", tokenizer=TOKENIZER)
    recipe = read_recipe(
        "finetune",
        "finetune",
        [f"model.start={tmp_path / 'start'}", "schedule.steps=2", "schedule.warmup_steps=1", "lora.rank=2"],
    )
    pictures = split(read_boxes(tmp_path / "set", "coco"), 0.34, seed=1)
    broken = pictures.trained[0].path
    broken.write_bytes(b"no picture")
    report = finetune(recipe, pictures, tmp_path / "out", Console(quiet=True))
    lines = (tmp_path / "out" / "training" / "rejects.jsonl").read_text().splitlines()
    assert report["rejected"] == len(set(lines)) >= 2
    assert all(broken.name in line for line in lines)
    with pytest.raises(InvalidConfigError, match="held out 2 of 6 pictures, and now 3 of 6"):
        finetune(recipe, split([*pictures.trained, *pictures.held_out], 0.5, seed=1), tmp_path / "out", Console())
    print_report(report, tmp_path / "out")
    assert f"{report['rejected']} samples could not be used" in capsys.readouterr().out


def test_words_that_the_tokenizer_spells_are_known_once_they_were_taught(tmp_path):
    folder = tmp_path / "mine"
    source = locate("tabletop")
    save_model(load_model(source), folder, copy_from=source)
    assert Grounder.load(folder).unknown_words("the Grommet and an amphora") == ("Grommet", "amphora")
    record_words(folder, ["grommet", "red cup"])
    record_words(folder, ["Mallet", "cup"])
    taught = Grounder.load(folder)
    assert taught.profile.taught_words == ("grommet", "mallet")
    assert taught.unknown_words("the Grommet, the mallet and an amphora") == ("amphora",)
    assert not taught.profile.second_opinion
    view = taught.view(np.zeros((48, 64, 3), np.uint8))
    assert view.find("the grommet").unknown_words == ()
    assert view.find("the amphora").unknown_words == ("amphora",)
