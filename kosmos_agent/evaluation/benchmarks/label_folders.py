"""Our own folders of labelled pictures (`labels.jsonl`, `docs/evaluation.md`) under the public protocols."""

from __future__ import annotations

from pathlib import Path

from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, PictureFolder
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, GroundingSample, LabelledSample
from kosmos_agent.evaluation.label_folder import LABELS_FILE, MAX_LABELS_BYTES, read_labels
from kosmos_agent.images import load_image


def read_label_folder(folder: Path, name: str, split: str) -> Benchmark[GroundingSample]:
    """Every phrase that names something; several boxes are any-box. Absent things have no box and are left out.

    The pictures are opened for their size.
    """
    files = AnnotationFiles()
    files.read(folder / LABELS_FILE, MAX_LABELS_BYTES)
    pictures = PictureFolder(folder)
    samples: list[GroundingSample] = []
    left_out: list[str] = []
    for item in read_labels(folder):
        width, height = load_image(pictures.path(item.image)).size
        for number, phrase in enumerate(item.phrases):
            if not phrase.boxes:
                left_out.append(f"{item.image}: {phrase.text!r} names nothing there")
                continue
            boxes_px = tuple(box.to_pixels(width, height) for box in phrase.boxes)
            kinds = (phrase.kind,)
            samples.append(
                GroundingSample(f"{item.image}-{number}", item.image, width, height, phrase.text, boxes_px, "", kinds)
            )
    return Benchmark(name, split, samples, files.digest, tuple(left_out))


def read_labelled(folder: Path, split: str) -> Benchmark[LabelledSample]:
    """Each picture with all of its labels. InvalidLabelsError, which names the line."""
    files = AnnotationFiles()
    labels = read_labels(folder)
    files.read(folder / LABELS_FILE, MAX_LABELS_BYTES)
    return Benchmark("labels", split, [LabelledSample(item.image, item.image, item) for item in labels], files.digest)
