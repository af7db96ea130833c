"""Small data of every kind that training takes, made of coloured squares."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.table import write_table

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220), "green": (40, 200, 60)}


def square_picture(colour, box, size=(64, 48)):
    """RGB picture with one square; box: fractions."""
    rgb = np.full((size[1], size[0], 3), 120, np.uint8)
    x1, y1, x2, y2 = (round(value * side) for value, side in zip(box, (*size, *size), strict=True))
    rgb[y1:y2, x1:x2] = COLOURS[colour]
    return Image.fromarray(rgb)


def some_boxes(count, seed=0):
    """(colour, box) of `count` pictures."""
    random = np.random.default_rng(seed)
    for number in range(count):
        x, y = random.uniform(0.05, 0.5, 2)
        side = random.uniform(0.25, 0.4)
        yield list(COLOURS)[number % len(COLOURS)], (float(x), float(y), float(x + side), float(y + side))


def write_pairs(folder: Path, count=8):
    """img2dataset folder with the boxes of GrIT in a parquet file beside it."""
    shard = folder / "00000"
    shard.mkdir(parents=True)
    records = []
    for number, (colour, box) in enumerate(some_boxes(count)):
        key, caption = f"{number:09d}", f"an image of the {colour} box, it is a box"
        square_picture(colour, box).save(shard / f"{key}.png")
        (shard / f"{key}.txt").write_text(caption)
        (shard / f"{key}.json").write_text(json.dumps({"caption": caption, "key": key}))
        start = caption.index("the ")
        span = SpanBox(start, start + len(f"the {colour} box"), box, 0.9)
        records.append(GritRecord(key, caption, 64, 48, (span,), (span,)))
    write_table(folder / "00000.parquet", records)


def write_tar(path, count, cut=0):
    """Pairs of a picture and a text; `cut` bytes are missing at the end."""
    with tarfile.open(path, "w") as tar:
        for number, (colour, box) in enumerate(some_boxes(count)):
            picture = io.BytesIO()
            square_picture(colour, box).save(picture, "PNG")
            for suffix, content in (("png", picture.getvalue()), ("txt", f"the {colour} box".encode())):
                member = tarfile.TarInfo(f"{number:05d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        end = tar.offset
    path.write_bytes(path.read_bytes()[: end - cut])


def write_texts(path: Path, documents=6):
    lines = [{"text": f"the cup is red\nit is the box number {number}\nthe end"} for number in range(documents)]
    write_lines(path, lines)


def write_lines(path: Path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_interleaved(folder: Path, count=3):
    names = []
    for number, (colour, box) in enumerate(some_boxes(count, seed=1)):
        square_picture(colour, box).save(folder / f"page{number}.png")
        names.append(f"page{number}.png")
    records = [{"texts": ["the box", None, "is red"], "images": [None, name, None]} for name in names]
    write_lines(folder / "interleaved.jsonl", records)


def write_conversations(folder: Path, count=3):
    records = []
    for number, (colour, box) in enumerate(some_boxes(count, seed=2)):
        square_picture(colour, box).save(folder / f"talk{number}.png")
        turns = [
            {"from": "human", "value": "<image>\nWhat is it?"},
            {"from": "gpt", "value": f"the {colour} box"},
            {"from": "human", "value": "What is left of it?"},
            {"from": "gpt", "value": "the cup"},
        ]
        records.append({"id": str(number), "image": f"talk{number}.png", "conversations": turns})
    (folder / "conversations.json").write_text(json.dumps(records))


def write_everything(folder: Path):
    """grit/, text.jsonl, interleaved.jsonl, conversations.json, instructions.jsonl below `folder`."""
    write_pairs(folder / "grit")
    write_texts(folder / "text.jsonl")
    write_interleaved(folder)
    write_conversations(folder)
    tasks = [{"instruction": "what is red", "output": "the cup"}, {"inputs": "what is blue", "targets": "the box"}]
    write_lines(folder / "instructions.jsonl", tasks)


def tiny_recipe(start, **changes):
    """A recipe over all of it, with a model from the folder `start`."""
    kinds = {
        "grounded": "grit",
        "captions": "grit",
        "text": "text.jsonl",
        "interleaved": "interleaved.jsonl",
        "referring": "grit",
        "conversations": "conversations.json",
        "instructions": "instructions.jsonl",
    }
    data = [{"kind": kind, "path": path, "per_step": 1 + (kind == "grounded")} for kind, path in kinds.items()]
    base = {
        "recipe": "pretrain",
        "model": {"start": str(start)},
        "schedule": {"steps": 8, "warmup_steps": 2, "learning_rate": 1e-3},
        "batch": {"row_tokens": 96, "rows_per_pass": 2},
        "compute": {"precision": "float32", "loader_threads": 1, "threads": 1},
        "saving": {"every_steps": 2, "log_every_steps": 1},
        "data": data,
    }
    return {**base, **changes}
