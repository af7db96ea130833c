"""What a trained pipeline makes of captions of photographs: CPU time, and the expressions to be read and judged.

python benchmarks/bench_parser.py [--parser en_core_web_sm] [--rounds 5] [--captions benchmarks/captions.txt]

parser: a name or a folder. The captions are our own, written like those that stand beside pictures on the web.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from kosmos_agent.grit.chunks import visible_chunks
from kosmos_agent.grit.expressions import characters, expression_tokens
from kosmos_agent.grit.parsing import DEFAULT_PIPELINE, Parser, SpacyParser, parse


def expressions(parser: Parser, caption: str) -> list[str]:
    doc = parse(parser, caption)
    return [caption[slice(*characters(doc, expression_tokens(doc, chunk)))] for chunk in visible_chunks(doc)]


def cpu_ms(parser: Parser, captions: Sequence[str], rounds: int) -> float:
    """A caption, one by one as `grit build` parses them; the first round is not counted."""
    started = 0.0
    for place in range(rounds + 1):
        if place == 1:
            started = time.process_time()
        for caption in captions:
            parse(parser, caption)
    return 1_000 * (time.process_time() - started) / (rounds * len(captions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parser", default=DEFAULT_PIPELINE)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--captions", type=Path, default=Path(__file__).with_name("captions.txt"))
    options = parser.parse_args()
    pipeline = SpacyParser.load(options.parser)
    captions = options.captions.read_text(encoding="utf-8").splitlines()
    found = {caption: expressions(pipeline, caption) for caption in captions}
    for caption, some in found.items():
        print(f"{caption}\n    {' | '.join(some)}")
    count = sum(len(some) for some in found.values())
    spent = cpu_ms(pipeline, captions, options.rounds)
    print(f"{len(captions)} captions, {count} expressions, {spent:.1f} CPU ms a caption")


if __name__ == "__main__":
    main()
