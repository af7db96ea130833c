"""One process, one inference thread, many cameras: answered frames, their ages, and who gets how much.

python benchmarks/bench_cameras.py [--quick] [--seconds S] [--zoom] [--dtype D] [--threads N] [--page docs/serving.md]

Simulated cameras show rendered tables at 30 Hz each, every picture a new one to the queue. Each camera has one standing
phrase; in the last row one has 64. `one by one` is the same queue with passes of a single picture and phrase, and
`first come` the plain way: every camera in turn, each with all of its phrases. Both are measured in turn with the queue
as it is, in the same process.

A model that looks at each picture in the mirror image as well is measured once more without that. While others use
our processors a measurement is taken again, at most `--patience` times in all; the calmest counts, with a ~ if it was
not calm.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from serving_common import PAGE, Figures, machine, pictures, spread, table, told

from kosmos_agent.benchmarking.contention import allowed_foreign_cores, foreign_cores, read_cpu
from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.serving.jobs import Answered, Picture
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.worker import Worker

RATE_HZ = 30.0
MANY = 64
TWICE, ONCE = "twice, in the mirror image too", "once"
NOISY_MARK = "~"
QUEUES = {
    "queue": QueueLimits(),
    "one by one": QueueLimits(max_pictures=1, max_phrases=1, quantum=1),
    "first come": QueueLimits(max_pictures=1, max_phrases=MANY, quantum=MANY + 2),
}


@dataclass
class Heard:
    """Answers of one camera that came after the warm-up."""

    since_s: float
    ages_s: list[float] = field(default_factory=list)
    phrases: int = 0

    def __call__(self, answered: Answered | KosmosAgentError) -> None:
        if isinstance(answered, KosmosAgentError):
            raise answered
        if time.monotonic() >= self.since_s:
            self.ages_s.append(answered.age_s)
            self.phrases += len(answered.answers)


def measured(
    grounder: Grounder,
    shown: Sequence[tuple[NDArray[np.uint8], str]],
    phrases: Sequence[Sequence[str]],
    queue: str,
    seconds: float,
    zoom: bool,
) -> Figures:
    """As many cameras as there are lists of phrases, for so long after a warm-up."""
    worker = Worker(ModelLooker(grounder), QUEUES[queue])
    warm_s = min(2.0, seconds / 2)
    begun_s = time.monotonic() + warm_s
    heard = [Heard(begun_s) for _ in phrases]
    for number, words in enumerate(phrases):
        worker.watch(str(number), words, heard[number], zoom=zoom)
    end = threading.Event()
    feeder = threading.Thread(target=_feed, args=[worker, shown, len(phrases), end])
    worker.start()
    feeder.start()
    time.sleep(warm_s)
    before = read_cpu()
    time.sleep(seconds)
    after = read_cpu()
    end.set()
    feeder.join()
    worker.stop()
    looks = TWICE if grounder.profile.both_ways else ONCE
    return {"looks": looks, **_figures(heard, queue, seconds), "foreign_cores": foreign_cores(before, after)}


def calmest(measure: Callable[[], Figures], patience: int, threads: int) -> Figures:
    """Measured again while others take what our threads need; `noisy` where they did every time."""
    allowed, tries = allowed_foreign_cores(os.cpu_count() or 1, threads), []
    for _ in range(patience):
        tries.append(measure())
        if (tries[-1]["foreign_cores"] or 0.0) <= allowed:
            break
    best = min(tries, key=lambda item: item["foreign_cores"] or 0.0)
    return {**best, "tries": len(tries), "noisy": (best["foreign_cores"] or 0.0) > allowed}


def _feed(worker: Worker, shown: Sequence[tuple[NDArray[np.uint8], str]], cameras: int, end: threading.Event) -> None:
    """Cameras are out of step, as real ones are."""
    step_s = 1 / (RATE_HZ * cameras)
    start_s, number = time.monotonic(), 0
    while not end.wait(max(0.0, start_s + number * step_s - time.monotonic())):
        rgb, _ = shown[number % len(shown)]
        worker.show(str(number % cameras), Picture(rgb, time.monotonic()))
        number += 1


def _figures(heard: Sequence[Heard], queue: str, seconds: float) -> Figures:
    frames = [len(item.ages_s) / seconds for item in heard]
    ages_ms = [1000 * age_s for item in heard for age_s in item.ages_s]
    squares = sum(rate * rate for rate in frames)
    return {
        "queue": queue,
        "cameras": len(heard),
        "phrases": [item.phrases for item in heard],
        "frames_per_s": sum(frames),
        "frames_per_s_each": frames,
        "age_ms": spread(ages_ms),
        "age_ms_last": spread([1000 * age_s for age_s in heard[-1].ages_s]),
        # Jain, Chiu and Hawe 1984: 1 where all get the same, 1 / n where one gets all.
        "fairness": sum(frames) ** 2 / (len(frames) * squares) if squares else 0.0,
    }


def cameras_table(found: Sequence[Figures]) -> str:
    rows = []
    for item in (row for row in found if row["queue"] == "queue"):
        same = [row for row in found if (row["cameras"], row["looks"]) == (item["cameras"], item["looks"])]
        other = next(row for row in same if row["queue"] == "one by one")
        ratio = item["frames_per_s"] / max(other["frames_per_s"], 1e-9)
        rows.append(
            [
                item["looks"],
                item["cameras"],
                f"{_mark(item)}{item['frames_per_s']:.1f}",
                f"{min(item['frames_per_s_each']):.1f} to {max(item['frames_per_s_each']):.1f}",
                f"{item['age_ms'].get('p50', 0):.0f}",
                f"{item['age_ms'].get('p95', 0):.0f}",
                f"{item['fairness']:.3f}",
                f"{_mark(item, other)}{ratio:.2f}",
            ]
        )
    head = (
        "each picture is looked at",
        "cameras",
        "answered frames/s",
        "of each camera",
        "age p50, ms",
        "age p95, ms",
        "fairness (Jain)",
        "against one by one",
    )
    return table(head, rows)


def fairness_table(found: Sequence[Figures]) -> str:
    rows = []
    for item in found:
        own, last = item["phrases"][0], item["age_ms_last"]
        rate = item["frames_per_s_each"]
        rows.append(
            [
                item["queue"],
                f"{_mark(item)}{rate[-1]:.1f}",
                f"{last.get('p95', float('nan')):.0f}" if last["n"] else "no answer",
                f"{rate[0]:.2f}",
                own,
            ]
        )
    head = ("queue", "one phrase: frames/s", "its age p95, ms", f"{MANY} phrases: frames/s", "phrases answered")
    return table(head, rows)


def settings_line(settings: Figures, found: Sequence[Figures]) -> str:
    """Under the first table. Noise is said either way: silence would read as calm."""
    zoom = "with" if settings["zoom"] else "without"
    noisy = sum(item["noisy"] for item in found)
    calm = f"{NOISY_MARK} {noisy} of {len(found)} measurements were taken while others used our processors."
    return (
        f"{settings['runtime']}, {settings['dtype']}, {settings['threads']} threads of {os.cpu_count()} processors, "
        f"{settings['seconds']:g} s each, {zoom} the second look at small things. "
        + (calm if noisy else "Others left our processors alone in every measurement.")
    )


def _mark(*found: Figures) -> str:
    return NOISY_MARK if any(item["noisy"] for item in found) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seconds of everything: does it run?")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--cameras", default="1,4,16")
    parser.add_argument("--zoom", action="store_true", help="look again at small things, as the model would by itself")
    parser.add_argument("--model", default="tabletop")
    parser.add_argument("--runtime", default="torch", help="torch, openvino, or a folder with an export")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads of the model, if not torch's choice")
    parser.add_argument("--out", type=Path, default=Path("bench-cameras.json"))
    parser.add_argument("--page", type=Path, default=None, const=PAGE, nargs="?", help="put the tables on this page")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--patience", type=int, default=3, help="tries of each measurement, waiting for calm")
    options = parser.parse_args()
    figures = measure_all(options)
    cameras, fairness = figures["cameras"], figures["fairness"]
    below = settings_line(figures, [*cameras, *fairness])
    tables = {"cameras": f"{cameras_table(cameras)}\n\n{below}", "fairness": fairness_table(fairness)}
    told(figures, tables, options.out, options.page)


def measure_all(options: argparse.Namespace) -> Figures:
    """Settings, and the rows of both tables. Fairness is measured as the model's profile has it."""
    seconds, patience = (2.0, 1) if options.quick else (options.seconds, options.patience)
    before, shown = machine(), pictures(4)
    grounder, *others = _grounders(options)
    threads = options.threads or torch.get_num_threads()
    phrase = [words for _, words in shown]
    many = [
        [f"the {colour} {words.split(maxsplit=2)[2]}" for words in phrase for colour in _COLOURS][:MANY],
        [phrase[0]],
    ]

    def row(asked: Grounder, phrases: Sequence[Sequence[str]], queue: str) -> Figures:
        return calmest(lambda: measured(asked, shown, phrases, queue, seconds, options.zoom), patience, threads)

    counts = [int(count) for count in options.cameras.split(",")]
    cameras = [
        row(asked, [[phrase[k % len(phrase)]] for k in range(count)], queue)
        for asked in (grounder, *others)
        for count in counts
        for queue in ("queue", "one by one")
    ]
    return {
        "machine": before,
        "seconds": seconds,
        "zoom": options.zoom,
        "runtime": options.runtime,
        "dtype": grounder.precision,
        "threads": threads,
        "cameras": cameras,
        "fairness": [row(grounder, many, queue) for queue in ("queue", "first come")],
    }


def _grounders(options: argparse.Namespace) -> list[Grounder]:
    """As the model's profile has it, and with a single look where it has more."""
    load = partial(Grounder.load, options.model, dtype=options.dtype, threads=options.threads, runtime=options.runtime)
    usual = load()
    return [usual, load(both_ways=False, zoom=False)] if usual.profile.both_ways else [usual]


_COLOURS = ("red", "blue", "green", "yellow", "white", "black", "orange", "pink", "purple", "brown", "grey", "large",
            "small", "first", "second", "third")  # fmt: skip


if __name__ == "__main__":
    main()
