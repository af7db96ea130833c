"""Settings of the nodes: typed, bounded, described; and as parameters of a real node."""

import pytest
from kosmos_ros import settings as module
from kosmos_ros.settings import GroundingSettings, PickSettings, SimCameraSettings
from kosmos_ros.settings_table import described, markdown_table

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.markup import MAX_USER_CHARACTERS
from kosmos_agent.precision import NAMES
from kosmos_agent.view import MAX_PHRASES

ALL = [GroundingSettings, PickSettings, SimCameraSettings]


@pytest.mark.parametrize("settings", ALL)
def test_every_default_is_valid_and_every_setting_described(settings):
    items = described(settings)
    assert settings.checked({item.name: item.default for item in items}) == settings()
    for item in items:
        assert item.description, item.name
        assert (item.minimum is None) == (item.maximum is None), item.name
        if item.kind in ("double", "integer"):
            assert item.minimum <= item.default <= item.maximum, item.name


def test_what_the_conventions_ask_for_is_there():
    names = {item.name for item in described(GroundingSettings)}
    assert names >= {
        "model_path", "device", "dtype", "score_threshold", "max_results", "max_image_age_sec", "sync_slop_sec",
        "target_frame", "image_transport", "publish_annotated", "publish_tf",
    }  # fmt: skip
    assert GroundingSettings().sync_slop_sec == 0.05


def test_bounds_are_those_of_the_engine():
    assert module.MAX_PHRASES == MAX_PHRASES
    assert module.MAX_TEXT_CHARACTERS == MAX_USER_CHARACTERS
    (dtype,) = [item for item in described(GroundingSettings) if item.name == "dtype"]
    assert set(dtype.choices) == set(NAMES)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"score_threshold": 1.5}, "parameter score_threshold is 1.5: .*less than or equal to 1"),
        ({"max_results": 0}, "max_results is 0"),
        ({"max_results": "five"}, "max_results is 'five'"),
        ({"sync_slop_sec": float("nan")}, "sync_slop_sec is nan"),
        ({"image_transport": "theora"}, "'raw' or 'compressed'"),
        ({"target_frame": " "}, "valid: the name of a frame"),
        ({"phrases": ("x" * 257,)}, "valid: at most 256 printable characters"),
        ({"phrases": tuple("x" for _ in range(65))}, "65 phrases; valid: at most 64"),
        ({"phrases": ("two\nlines",)}, "printable"),
        ({"no_such": 1}, "parameter no_such"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(values, words):
    with pytest.raises(InvalidArgumentError, match=words):
        GroundingSettings.checked(values)


def test_empty_phrases_count_not():
    assert GroundingSettings.checked({"phrases": ("", " the red cup ", "  ")}).phrases == ("the red cup",)


def test_the_table_has_a_row_for_each_setting():
    rows = markdown_table(GroundingSettings).splitlines()
    assert len(rows) == 2 + len(described(GroundingSettings))
    assert (
        "| `sync_slop_sec` | double | `0.05` | 0 to 1 | any time | colour and depth belong together within this |"
        in rows
    )
    assert any(
        row.startswith("| `image_transport` | string | `raw` | raw, compressed | while unconfigured |") for row in rows
    )
    assert len({row.count("|") for row in rows}) == 1
