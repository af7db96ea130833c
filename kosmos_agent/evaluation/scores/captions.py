"""CIDEr, METEOR, BLEU and ROUGE of texts against what people said, by the COCO caption evaluation (`pycocoevalcap`)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.evaluation.scores.texts import TextRecord

Texts = dict[str, list[str]]

_SCORERS: Mapping[str, Callable[[], Any]] = {"cider": Cider, "meteor": Meteor, "rouge_l": Rouge}


@dataclass(frozen=True)
class CaptionScores:
    """figures: over all texts, 1 is what tables print as 100. cider_each: in the order of the records."""

    figures: Mapping[str, float | int | None]
    cider_each: tuple[float, ...]


def require_java() -> None:
    """MissingDependencyError where there is no Java, which the tokenizer and METEOR run on."""
    if shutil.which("java") is None:
        raise MissingDependencyError(
            "java is not on the PATH; the caption scores need a Java runtime (Debian, Ubuntu: apt install "
            "default-jre-headless). The answers are kept: install it and type the same command again"
        )


def caption_scores(records: Sequence[TextRecord]) -> CaptionScores:
    """Every text against all of its references, both through the Penn Treebank tokenizer."""
    require_java()
    counts: dict[str, float | int | None] = {
        "n": len(records),
        "n_empty": sum(not record.text.strip() for record in records),
    }
    if not records:
        return CaptionScores(counts, ())
    true = _tokenized({record.id: list(record.references) for record in records})
    said = _tokenized({record.id: [record.text] for record in records})
    figures: dict[str, float] = {}
    each: tuple[float, ...] = ()
    for name, scorer in _SCORERS.items():
        score, single = scorer().compute_score(true, said)
        figures[name] = float(score)
        if name == "cider":
            each = tuple(float(value) for value in single)
    bleu, _ = Bleu(4).compute_score(true, said, verbose=0)
    figures |= {f"bleu_{n}": float(value) for n, value in enumerate(bleu, start=1)}
    return CaptionScores({**counts, **figures}, each)


def _tokenized(texts: Texts) -> Texts:
    """MissingDependencyError where the tokenizer cannot write its temporary file beside its own code."""
    try:
        tokens: Texts = PTBTokenizer().tokenize(
            {key: [{"caption": text} for text in some] for key, some in texts.items()}
        )
    except OSError as error:
        raise MissingDependencyError(f"the caption tokenizer of pycocoevalcap cannot run ({error})") from error
    return tokens
