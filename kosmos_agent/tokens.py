"""Names of the special tokens, in the order of their ids (pure).

The paper writes <p>, </p>, <box>, </box>, <delim> and <loc_k> for <phrase>, </phrase>, <object>, </object>,
</delimiter_of_multi_objects/> and <patch_index_k>.
"""

from __future__ import annotations

BOS = "<s>"
PAD = "<pad>"
EOS = "</s>"
UNK = "<unk>"
MASK = "<mask>"

DOC_END = "</doc>"
IMAGE = "<image>"
IMAGE_END = "</image>"
CHUNK_END = "</chunk>"
LINE_END = "</line>"
PHRASE = "<phrase>"
PHRASE_END = "</phrase>"
OBJECT = "<object>"
OBJECT_END = "</object>"
DELIMITER = "</delimiter_of_multi_objects/>"
GROUNDING = "<grounding>"

SPECIAL_TOKENS = (BOS, PAD, EOS, UNK, MASK)
TAG_TOKENS = (
    DOC_END,
    IMAGE,
    IMAGE_END,
    CHUNK_END,
    LINE_END,
    PHRASE,
    PHRASE_END,
    OBJECT,
    OBJECT_END,
    DELIMITER,
    GROUNDING,
)
LOCATION_COUNT = 1024


def location_token(index: int) -> str:
    """The tag of one grid cell, at least four digits wide."""
    return f"<patch_index_{index:04d}>"
