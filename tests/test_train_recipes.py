"""Recipes of training runs: the shipped ones are the paper's, and what is wrong in one is named."""

import inspect
import tomllib

import pytest

from kosmos_agent.cli.app import main
from kosmos_agent.cli.train import tabletop
from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.training.recipe.models import Recipe, ScheduleSection
from kosmos_agent.training.recipe.reading import config_file, parse_recipe, read_any, read_recipe, shipped_recipes
from kosmos_agent.training.scale.recorded import check_recipe, record_recipe
from kosmos_agent.training.settings import TrainSettings

SMALL = {
    "recipe": "pretrain",
    "model": {"start": "tabletop"},
    "data": [{"kind": "captions", "path": "pairs", "per_step": 2}],
}


def test_all_shipped_recipes_are_valid():
    kinds = {name: read_any(name).recipe for name in shipped_recipes()}
    assert kinds == {
        "finetune": "finetune",
        "paper_instruct": "instruct",
        "paper_pretrain": "pretrain",
        "small_instruct": "instruct",
        "small_pretrain": "pretrain",
        "tabletop": "tabletop",
    }


def test_pretraining_is_table_7():
    recipe = read_recipe("paper_pretrain", "pretrain")
    assert {item.kind: item.per_step for item in recipe.data} == {
        "text": 93, "captions": 1117, "grounded": 1117, "interleaved": 47,
    }  # fmt: skip
    assert (recipe.schedule.steps, recipe.schedule.warmup_steps, recipe.schedule.learning_rate) == (60_000, 375, 2e-4)
    assert (recipe.optimiser.betas, recipe.optimiser.weight_decay) == ((0.9, 0.98), 0.01)
    assert (recipe.optimiser.epsilon, recipe.optimiser.gradient_clip, recipe.model.dropout) == (1e-6, 2.0, 0.1)
    tokens = sum(item.per_step * item.mean_tokens for item in recipe.data)
    assert round(tokens / 1000) in (418, 419)


def test_instruction_tuning_is_table_8():
    recipe = read_recipe("paper_instruct", "instruct")
    sizes = {item.kind: item.per_step for item in recipe.data}
    assert (sizes["instructions"], sizes["conversations"], sizes["text"], sizes["interleaved"]) == (117, 351, 30, 15)
    assert sizes["grounded"] + sizes["referring"] == 1404
    assert (recipe.schedule.steps, recipe.schedule.warmup_steps, recipe.schedule.learning_rate) == (10_000, 375, 1e-5)


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 2e-4 / 375),
        (186, 2e-4 * 187 / 375),
        (374, 2e-4),
        (375, 2e-4),
        (30_187, 2e-4 * (60_000 - 30_187) / 59_625),
        (59_999, 2e-4 / 59_625),
        (60_000, 0.0),
    ],
)
def test_rate_rises_and_falls_in_straight_lines_to_zero(step, rate):
    assert ScheduleSection().rate(step) == pytest.approx(rate, rel=1e-12)


def test_the_embedded_recipe_is_what_the_command_does_by_itself():
    written = tomllib.loads(config_file("tabletop").read_text())
    options = {name: item.default for name, item in inspect.signature(tabletop).parameters.items()}
    defaults = {**TrainSettings().__dict__, **options, "recipe": "tabletop"}
    assert read_any("tabletop").model_dump() == {
        name: defaults[name] for name in type(read_any("tabletop")).model_fields
    }
    assert written["steps"] == 12_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sead": 1}, r"unknown key sead; valid there: recipe, seed, model"),
        ({"schedule": {"step": 5}}, r"unknown key schedule\.step; valid there: steps, warmup_steps, learning_rate"),
        (
            {"data": [{**SMALL["data"][0], "share": 1}]},
            r"unknown key data\.0\.share; valid there: kind, path, per_step",
        ),
        ({"data": [{**SMALL["data"][0], "kind": "films"}]}, r"data\.0\.kind is 'films'; valid: 'grounded', 'captions'"),
        ({"data": [{**SMALL["data"][0], "per_step": 0}]}, r"data\.0\.per_step is 0; valid: greater than or equal to 1"),
        ({"data": SMALL["data"] * 2}, r"two sources are called 'captions'; valid: a name of its own"),
        ({"data": [{**SMALL["data"][0], "format": "coco"}]}, r"data\.0: format goes with kind boxes"),
        ({"freeze": ["eyes"]}, r"freeze\.0 is 'eyes'; valid: 'vision', 'resampler', 'decoder' or 'embeddings'"),
        ({"freeze": ["vision", "resampler", "decoder", "embeddings"]}, r"every part is frozen"),
        ({"freeze": ["vision"], "lora": {}}, r"valid with it: no freeze"),
        ({"model": {}}, r"model: neither start nor tokenizer; valid: start, or a tokenizer"),
        ({"model": {"tokenizer": "t", "shape": {"text": {"width": 3}}}}, r"text has no 'width'; valid: vocab_size"),
        ({"schedule": {"steps": 100}}, r"warmup_steps 375; valid: below steps, 100"),
        ({"recipe": "cook"}, r"recipe is 'cook'; valid: pretrain, instruct, finetune, tabletop"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_valid(change, said):
    with pytest.raises(InvalidConfigError, match=said):
        parse_recipe({**SMALL, **change})


def test_keys_can_be_changed_by_name():
    recipe = read_recipe(
        "small_pretrain", "pretrain", ["schedule.steps=900", "data.1.path=my pairs", "model.dropout=0.1"]
    )
    assert (recipe.schedule.steps, recipe.data[1].path, recipe.model.dropout) == (900, "my pairs", 0.1)
    for change in ("schedule.steps", "data.9.path=x", "seed.x=1"):
        with pytest.raises(InvalidConfigError, match="valid: key=value"):
            read_recipe("small_pretrain", "pretrain", [change])


def test_files_that_are_none_and_recipes_of_another_kind(tmp_path):
    (tmp_path / "r.toml").write_text("recipe = ")
    with pytest.raises(InvalidConfigError, match="is not TOML"):
        read_any(str(tmp_path / "r.toml"))
    with pytest.raises(InvalidConfigError, match="one of finetune, paper_instruct"):
        read_any("no-such-recipe")
    with pytest.raises(InvalidConfigError, match="is a recipe for `train instruct`"):
        read_recipe("paper_instruct", "pretrain")


def test_a_run_goes_on_by_its_own_recipe_alone(tmp_path):
    recipe, other = parse_recipe(SMALL), parse_recipe({**SMALL, "schedule": {"learning_rate": 1e-3}})
    assert isinstance(recipe, Recipe)
    check_recipe(recipe, tmp_path)
    record_recipe(recipe, tmp_path)
    check_recipe(other, tmp_path)  # no step was made
    (tmp_path / "state").mkdir()
    check_recipe(parse_recipe({**SMALL, "saving": {"every_steps": 7}, "compute": {"threads": 2}}), tmp_path)
    with pytest.raises(InvalidConfigError, match=r"another schedule\.learning_rate"):
        check_recipe(other, tmp_path)
    (tmp_path / "state").rename(tmp_path / "state.old")
    with pytest.raises(InvalidConfigError, match=r"another schedule\.learning_rate"):
        check_recipe(other, tmp_path)


def test_an_option_beside_a_recipe_is_refused(tmp_path, capsys):
    """It would say a second time what the recipe says."""
    words = ["train", "tabletop", "--config", "tabletop", "--steps", "5", "--run-folder", str(tmp_path / "run")]
    assert main(words) == 2
    assert "--steps beside --config; valid: --set steps=VALUE" in capsys.readouterr().err
    assert main([*words[:4], "--set", "stepz=5", "--run-folder", str(tmp_path / "run")]) == 2
    assert "unknown key stepz" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
