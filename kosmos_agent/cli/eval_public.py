"""`kosmos-agent eval refcoco | flickr30k | reg | caption | vqa | ...`: the paper's benchmarks on your copy of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.cli._output import print_json
from kosmos_agent.errors import InvalidArgumentError

if TYPE_CHECKING:
    from kosmos_agent.cli._public_run import Job, Running


class Protocol(StrEnum):
    """`paper`: its prompts and decoding. `view`: the calls that users make."""

    paper = "paper"
    view = "view"


class Engine(StrEnum):
    """Where pictures are answered."""

    local = "local"
    ray = "ray"


Images = Annotated[Path | None, typer.Option(help="folder of the pictures, if not that of --data", show_default=False)]
Split = Annotated[str, typer.Option(help="which split of the files")]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="keep records, report and a page of mistakes here; resumes", show_default=False),
]
Pictures = Annotated[int | None, typer.Option(min=1, help="only the first so many pictures", show_default=False)]
Mistakes = Annotated[int, typer.Option(min=0, max=10_000, help="so many on the page")]
How = Annotated[Protocol, typer.Option(help="the paper's prompts and decoding, or the calls that users make")]
Grammar = Annotated[bool, typer.Option("--grammar", help="boxes are written under the grammar (not the paper's way)")]
MostTokens = Annotated[int, typer.Option(min=1, max=2048, help="longest text behind a phrase (the paper's way: 500)")]
Engines = Annotated[Engine, typer.Option(help="this process, or Ray")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=4096, help="models side by side on Ray (2)", show_default=False)
]
Address = Annotated[str | None, typer.Option(help="a Ray cluster's; a local Ray without", show_default=False)]


def comprehension(name: str, files: str, first_split: str) -> Callable[..., None]:
    """The command for a benchmark of phrases; `files` is what its help says of --data."""

    def command(
        data: Path,
        images: Images = None,
        split: Split = first_split,
        model: options.Model = "tabletop",
        out: OutFolder = None,
        pictures: Pictures = None,
        protocol: How = Protocol.paper,
        grammar: Grammar = False,
        most_tokens: MostTokens = 500,
        mistakes: Mistakes = 100,
        engine: Engines = Engine.local,
        workers: Workers = None,
        address: Address = None,
        as_json: options.Json = False,
        dtype: options.Dtype = "auto",
        device: options.Device = "cpu",
        threads: options.Threads = None,
        zoom: options.Zoom = None,
    ) -> None:
        from kosmos_agent.cli._public_jobs import comprehension_job
        from kosmos_agent.evaluation.asking.phrases import WrittenPhrases

        job = comprehension_job(
            name, data, images, split, protocol.value, WrittenPhrases(most_tokens, grammar=grammar), zoom
        )
        how = running(out, pictures, mistakes, engine, workers, address)
        evaluate(job, ModelChoice(model, dtype, device, threads), how, as_json)

    # Both differ from benchmark to benchmark, and an annotation is text here, which knows no local names.
    command.__doc__ = f"Where is the thing? Accuracy and recall of boxes on {name} (paper 4.1)."
    command.__annotations__["data"] = Annotated[Path, typer.Option(help=files)]
    return command


def reg(
    data: Annotated[Path, typer.Option(help="MDETR's finetune_refcocog_SPLIT.json, or REFER's folder as JSON")],
    images: Images = None,
    split: Split = "val",
    model: options.Model = "tabletop",
    out: OutFolder = None,
    pictures: Pictures = None,
    protocol: How = Protocol.paper,
    shots: Annotated[int, typer.Option(min=0, help="examples in front of every query (the paper: 0, 2, 4)")] = 0,
    mistakes: Mistakes = 100,
    engine: Engines = Engine.local,
    workers: Workers = None,
    address: Address = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    zoom: options.Zoom = None,
) -> None:
    """What is in the box? METEOR and CIDEr of referring expressions on RefCOCOg (paper 4.2)."""
    from kosmos_agent.cli._public_jobs import region_job

    job = region_job(data, images, split, protocol.value, shots, zoom)
    how = running(out, pictures, mistakes, engine, workers, address)
    evaluate(job, ModelChoice(model, dtype, device, threads), how, as_json)


def caption(
    data: Annotated[Path, typer.Option(help="COCO's captions_*.json, or Karpathy's dataset_*.json")],
    images: Images = None,
    split: Split = "test",
    model: options.Model = "tabletop",
    out: OutFolder = None,
    pictures: Pictures = None,
    protocol: How = Protocol.paper,
    grounded: Annotated[bool, typer.Option("--grounded", help="ask with <grounding> (not the paper's way)")] = False,
    mistakes: Mistakes = 100,
    engine: Engines = Engine.local,
    workers: Workers = None,
    address: Address = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    zoom: options.Zoom = None,
) -> None:
    """What is in the picture? CIDEr and others of captions, beam search of 5 (paper 4.3)."""
    from kosmos_agent.cli._public_jobs import caption_job

    job = caption_job(data, images, split, protocol.value, grounded, zoom)
    how = running(out, pictures, mistakes, engine, workers, address)
    evaluate(job, ModelChoice(model, dtype, device, threads), how, as_json)


def vqa(
    data: Annotated[Path, typer.Option(help="v2_OpenEnded_mscoco_*_questions.json")],
    annotations: Annotated[
        Path | None, typer.Option(help="v2_mscoco_*_annotations.json; none for test-dev", show_default=False)
    ] = None,
    images: Images = None,
    split: Split = "val",
    model: options.Model = "tabletop",
    out: OutFolder = None,
    pictures: Pictures = None,
    protocol: How = Protocol.paper,
    mistakes: Mistakes = 100,
    engine: Engines = Engine.local,
    workers: Workers = None,
    address: Address = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Questions with short answers: VQAv2's accuracy, or without annotations the file that its server takes."""
    from kosmos_agent.cli._public_jobs import question_job

    job = question_job(data, annotations, images, split, protocol.value)
    how = running(out, pictures, mistakes, engine, workers, address)
    evaluate(job, ModelChoice(model, dtype, device, threads), how, as_json)


def language(
    data: Annotated[
        Path | None,
        typer.Option(help="a .jsonl of context, choices and answer, one question a line", show_default=False),
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="tasks of lm-evaluation-harness, parted by commas, in place of --data")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="what --data is, for published figures (the file's name)", show_default=False)
    ] = None,
    model: options.Model = "tabletop",
    out: OutFolder = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="only the first so many questions, of each task", show_default=False)
    ] = None,
    mistakes: Annotated[
        int | None,
        typer.Option(min=0, max=10_000, help="so many on the page, with --data (100)", show_default=False),
    ] = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Language alone, by log-likelihood: a file of multiple choice, or the paper's eight tasks (paper 4.4)."""
    from kosmos_agent.cli._language import evaluate_choices, evaluate_harness

    choice = ModelChoice(model, dtype, device, threads)
    if (data is None) == (tasks is None):
        raise InvalidArgumentError("language needs --data or --tasks, and takes one of them")
    if data is not None:
        how = running(out, None, 100 if mistakes is None else mistakes, Engine.local, None, None)
        _show(evaluate_choices(data, name or data.stem, choice, how, limit), as_json)
        return
    of_data = {"--name": name, "--mistakes": mistakes}
    if given := [option for option, value in of_data.items() if value is not None]:
        raise InvalidArgumentError(f"{', '.join(given)}: of a file of questions; valid with --data")
    wanted = [task.strip() for task in (tasks or "").split(",") if task.strip()]
    _show_tasks(evaluate_harness(wanted, choice, limit, out), as_json)


def add_to(app: typer.Typer) -> None:
    """The commands, under `kosmos-agent eval`."""
    ours = "or a folder with it, or with our labels.jsonl"
    for name in ("refcoco", "refcoco+", "refcocog"):
        app.command(name)(comprehension(name, f"MDETR's finetune_{name}_SPLIT.json, {ours}", "val"))
    app.command("ref-l4")(comprehension("ref-l4", f"ref-l4-SPLIT.parquet, {ours}", "test"))
    flickr = "the folder of Flickr30k Entities, or MDETR's final_flickr_separateGT_SPLIT.json"
    app.command("flickr30k")(comprehension("flickr30k", flickr, "test"))
    for command in (reg, caption, vqa, language):
        app.command()(command)


def running(
    out: Path | None, pictures: int | None, mistakes: int, engine: Engine, workers: int | None, address: str | None
) -> Running:
    """InvalidArgumentError for options of Ray without it."""
    from kosmos_agent.cli._public_run import Running

    of_ray = {"--workers": workers, "--address": address}
    if engine is Engine.local and (given := [name for name, value in of_ray.items() if value is not None]):
        raise InvalidArgumentError(f"{', '.join(given)}: of Ray; valid with --engine ray")
    return Running(out, pictures, mistakes, engine.value, workers or 2, address)


def evaluate(job: Job[Any, Any], choice: ModelChoice, running: Running, as_json: bool) -> None:
    from kosmos_agent.cli._public_run import evaluate_public

    _show(evaluate_public(job, choice, running), as_json)


def _show(report: dict[str, Any], as_json: bool) -> None:
    from kosmos_agent.cli._public_table import print_report

    if as_json:
        print_json(report)
    else:
        print_report(report)


def _show_tasks(report: dict[str, Any], as_json: bool) -> None:
    from kosmos_agent.cli._public_table import print_tasks

    if as_json:
        print_json(report)
    else:
        print_tasks(report)
