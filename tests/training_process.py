"""A training run as a process of its own, which holds still before a step: `training_process.py DATA START RUN STEP`.

Whoever started it waits until the history has reached that step, and kills it.
"""

import sys
import time
from pathlib import Path

from training_data import tiny_recipe

from kosmos_agent.training.recipe.reading import parse_recipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.opening import opener


class Stuck:
    """A source that never gives the samples from `number` on."""

    def __init__(self, source, number):
        self.source, self.number = source, number

    def __len__(self):
        return len(self.source)

    def sample(self, number):
        while number >= self.number:
            time.sleep(3600)
        return self.source.sample(number)


def main(data, start, run, step):
    recipe = parse_recipe(tiny_recipe(start))

    def open_sources(context):
        sources = opener(recipe, Path(data))(context)
        return {title: Stuck(source, int(step) * 2) for title, source in sources.items()}

    Run(recipe, open_sources, Path(run)).train()


if __name__ == "__main__":
    main(*sys.argv[1:])
