"""Work that nothing is wrong with: who fails at it is broken, whatever the pair before it was like."""

from __future__ import annotations

from PIL import Image

from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.parsing import Parser

CAPTION = "a red cup on a plate"
PHRASES = ("a red cup", "a plate")
SIZE_PX = (640, 480)


def try_parser(parser: Parser) -> None:
    """Raises what the parser raises; InvalidCaptionError of one that reads other captions."""
    parser(CAPTION)


def try_detector(detector: Detector) -> None:
    """Raises what the detector raises."""
    detector.detect(Image.new("RGB", SIZE_PX, "grey"), PHRASES)
