"""How fast labelled pictures, expressions and training examples come from one process; prints one JSON object.

python benchmarks/labelled_pictures.py --pictures 50
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from itertools import islice

import numpy as np
from kosmos_sim.examples import training_examples
from kosmos_sim.expressions import sample_expressions
from kosmos_sim.splits import train_seed
from kosmos_sim.stream import scene_records

PHRASES = 8
_ROUNDS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=50)
    count = parser.parse_args().pictures
    started_s = time.perf_counter()
    records = list(scene_records(train_seed(0), count))
    pictures_s = time.perf_counter() - started_s
    started_s = time.perf_counter()
    drawn = [
        sample_expressions(record.objects, np.random.default_rng(seed), PHRASES, T_table_camera=record.T_table_camera)
        for seed in range(_ROUNDS)
        for record in records
    ]
    phrases_s = time.perf_counter() - started_s
    started_s = time.perf_counter()
    examples = _length(islice(training_examples(records, 0, phrases=PHRASES), count))
    examples_s = time.perf_counter() - started_s
    report = {
        "pictures_per_s": round(count / pictures_s, 1),
        "expressions_per_s": round(sum(map(len, drawn)) / phrases_s),
        "examples_per_s": round(examples / examples_s, 1),
        "pictures": count,
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }
    print(json.dumps(report))


def _length(items: Iterable[object]) -> int:
    return sum(1 for _ in items)


if __name__ == "__main__":
    main()
