"""Text, interleaved documents, conversations and instructions from the simulation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kosmos_sim.second_sources import write_sources
from kosmos_sim.words import split_words, vocabulary
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError

COUNT = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sources") / "second"
    write_sources(out, COUNT, size=64)
    return out


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_documents_hold_several_tables(folder: Path) -> None:
    found = lines(folder / "text.jsonl")
    assert found
    assert all(4 <= len(item["text"].splitlines()) <= 8 for item in found)


def test_interleaved_documents_show_pictures_that_are_there(folder: Path) -> None:
    for item in lines(folder / "interleaved.jsonl"):
        shown = [name for name in item["images"] if name]
        assert len(shown) == 2
        assert all((text is None) != (image is None) for text, image in zip(item["texts"], item["images"], strict=True))
        for name in shown:
            with Image.open(folder / "pictures" / name) as image:
                assert image.size == (64, 64)


def test_conversations_show_their_picture_once(folder: Path) -> None:
    found = json.loads((folder / "conversations.json").read_text(encoding="utf-8"))
    assert 1 <= len(found) <= COUNT
    for item in found:
        first, *others = (turn["value"] for turn in item["conversations"])
        assert first.startswith("<image>\n")
        assert not any("<image>" in text for text in others)
        assert [turn["from"] for turn in item["conversations"]] == ["human", "gpt"] * (len(item["conversations"]) // 2)


def test_instructions_are_answered_by_their_own_list(folder: Path) -> None:
    for item in lines(folder / "instructions.jsonl"):
        listed = item["input"].split(", ")
        if item["instruction"].startswith("What colour"):
            category = item["instruction"].removeprefix("What colour is the ").rstrip("?")
            assert [text.split()[1] for text in listed if text.endswith(f" {category}")] == [item["output"]]
        else:
            assert item["output"] != "zero"


def test_all_words_are_known_to_the_small_models_tokenizer(folder: Path) -> None:
    known = set(vocabulary())
    for item in [*lines(folder / "instructions.jsonl"), *lines(folder / "text.jsonl")]:
        assert set(split_words(" ".join(item.values()))) <= known


def test_nothing_is_written_over(folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="not empty"):
        write_sources(folder, COUNT)
