"""Text <-> token ids, with the special, tag and location tokens of Kosmos-2.

Ids: 0 <s>, 1 <pad>, 2 </s>, 3 <unk>, the pieces, <mask>, the 11 tags, the location tokens. Tags and location
tokens swallow the space before them, are matched before normalisation, and are not "special": decoding keeps them.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from kosmos_agent import tokens
from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.location import grid_side
from kosmos_agent.sentencepiece_file import read_sentencepiece

_SPACE = "▁"
_WORD_SCORE, _CHARACTER_SCORE = -1.0, -20.0
_CACHE_SIZE = 1 << 16
_WORD = re.compile(r"[A-Za-z]+")


class Tokenizer:
    """Wraps a `tokenizers.Tokenizer`; every id is looked up by name, so any vocabulary size works.

    CheckpointError when a special token or tag is missing or the location ids do not run on without a gap.
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        self._backend = backend
        self._encode_cached = lru_cache(maxsize=_CACHE_SIZE)(self._encode_tuple)
        self.size: int = backend.get_vocab_size(with_added_tokens=True)
        self.bos_id = self._id(tokens.BOS)
        self.pad_id = self._id(tokens.PAD)
        self.eos_id = self._id(tokens.EOS)
        self.unk_id = self._id(tokens.UNK)
        self.mask_id = self._id(tokens.MASK)
        self.doc_end_id = self._id(tokens.DOC_END)
        self.image_id = self._id(tokens.IMAGE)
        self.image_end_id = self._id(tokens.IMAGE_END)
        self.chunk_end_id = self._id(tokens.CHUNK_END)
        self.line_end_id = self._id(tokens.LINE_END)
        self.phrase_id = self._id(tokens.PHRASE)
        self.phrase_end_id = self._id(tokens.PHRASE_END)
        self.object_id = self._id(tokens.OBJECT)
        self.object_end_id = self._id(tokens.OBJECT_END)
        self.delimiter_id = self._id(tokens.DELIMITER)
        self.grounding_id = self._id(tokens.GROUNDING)
        self.first_image_slot_id = self.unk_id + 1
        self.first_location_id = self._id(tokens.location_token(0))
        self.location_count = self._count_locations()
        self.grid_side = grid_side(self.location_count)

    @classmethod
    def from_file(cls, path: Path | str) -> Tokenizer:
        """Opens a tokenizer.json."""
        try:
            content = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise CheckpointError(f"no tokenizer file {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CheckpointError(f"the tokenizer file {path} is not UTF-8: {error}") from error
        return cls.from_json(content)

    @classmethod
    def from_json(cls, content: str) -> Tokenizer:
        try:
            backend = tokenizers.Tokenizer.from_str(content)
        except Exception as error:  # the tokenizers package raises nothing narrower
            raise CheckpointError(f"the tokenizer file is not a tokenizer.json: {error}") from error
        return cls(backend)

    @classmethod
    def from_sentencepiece(cls, path: Path | str) -> Tokenizer:
        """Rebuilds the published tokenizer from sentencepiece.bpe.model (which holds a unigram model)."""
        model = read_sentencepiece(Path(path))
        pieces = [(piece, score) for piece, score in model.pieces if piece not in tokens.SPECIAL_TOKENS]
        normaliser = normalizers.Precompiled(model.charsmap) if model.charsmap else None
        return cls(_build_backend(pieces, normaliser))

    def save(self, path: Path | str) -> None:
        """Writes a tokenizer.json."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        return str(self._backend.to_str(pretty=False))

    def encode(self, text: str) -> list[int]:
        """Ids without <s> and </s>. Tags in `text` become tag ids: escape what users wrote first (`markup`)."""
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def encode_words(self, text: str) -> tuple[int, ...]:
        """`encode`, remembered for the last 65,536 texts."""
        return self._encode_cached(text)

    def spelled(self, text: str) -> tuple[str, ...]:
        """The words of `text` that can only be written letter by letter: a model never learnt what they mean."""
        return tuple(dict.fromkeys(word for word in _WORD.findall(text) if self._is_spelled(word)))

    def _is_spelled(self, word: str) -> bool:
        pieces = [self.token(token_id).removeprefix(_SPACE) for token_id in self.encode_words(word)]
        return len(word) > 1 and all(len(piece) <= 1 for piece in pieces)

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        """The text with its tags; `skip_special` drops <s>, <pad>, </s>, <unk> and <mask>."""
        return str(self._backend.decode(list(ids), skip_special_tokens=skip_special))

    def token(self, token_id: int) -> str:
        """The token's own spelling; InvalidArgumentError outside the vocabulary."""
        name = self._backend.id_to_token(token_id)
        if name is None:
            raise InvalidArgumentError(f"no token has id {token_id}; valid: 0 to {self.size - 1}")
        return str(name)

    def token_id(self, token: str) -> int | None:
        found: int | None = self._backend.token_to_id(token)
        return found

    def location_id(self, index: int) -> int:
        """Token id of grid cell `index`."""
        if not 0 <= index < self.location_count:
            raise InvalidArgumentError(f"no location {index}; valid: 0 to {self.location_count - 1}")
        return self.first_location_id + index

    def location_index(self, token_id: int) -> int | None:
        """Grid cell of a location token; None for any other token."""
        index = token_id - self.first_location_id
        return index if 0 <= index < self.location_count else None

    def __reduce__(self) -> tuple[type[Tokenizer] | object, tuple[str]]:
        return (Tokenizer.from_json, (self.to_json(),))

    def _encode_tuple(self, text: str) -> tuple[int, ...]:
        return tuple(self.encode(text))

    def _id(self, token: str) -> int:
        found = self.token_id(token)
        if found is None:
            raise CheckpointError(f"the tokenizer has no token {token}")
        return found

    def _count_locations(self) -> int:
        count = 1
        while (found := self.token_id(tokens.location_token(count))) is not None:
            if found != self.first_location_id + count:
                raise CheckpointError(f"location token {count} has id {found}, not {self.first_location_id + count}")
            count += 1
        if math.isqrt(count) ** 2 != count:
            raise CheckpointError(f"{count} location tokens make no square grid; valid: 1, 4, 9, ..., 1024")
        return count


def build_word_tokenizer(words: Iterable[str], location_count: int = tokens.LOCATION_COUNT) -> Tokenizer:
    """A lower-casing tokenizer with one piece per word; anything else is spelt in characters, never <unk>.

    Accents are dropped and characters outside printable ASCII become "?".
    """
    characters = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in string.ascii_uppercase]
    known = set(characters)
    whole = sorted({word for text in words for word in text.lower().split()} - {""})
    unusable = [word for word in whole if not set(word) <= known]
    if unusable:
        raise InvalidArgumentError(f"words {unusable[:5]} hold characters other than printable ASCII")
    pieces = [(_SPACE + word, _WORD_SCORE) for word in whole]
    pieces += [(character, _CHARACTER_SCORE) for character in [_SPACE, *characters]]
    normaliser = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s"), " "),
            normalizers.Replace(Regex(r"[^ -~]"), "?"),
        ]
    )
    return Tokenizer(_build_backend(pieces, normaliser, location_count))


def _build_backend(
    pieces: list[tuple[str, float]],
    normaliser: normalizers.Normalizer | None,
    location_count: int = tokens.LOCATION_COUNT,
) -> tokenizers.Tokenizer:
    head = [(name, 0.0) for name in (tokens.BOS, tokens.PAD, tokens.EOS, tokens.UNK)]
    model = models.Unigram([*head, *pieces, (tokens.MASK, 0.0)], unk_id=3, byte_fallback=False)
    backend = tokenizers.Tokenizer(model)
    if normaliser is not None:
        backend.normalizer = normaliser
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")]
    )
    backend.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(
        single=[tokens.BOS, "$A", tokens.EOS],
        pair=[tokens.BOS, "$A", tokens.EOS, tokens.EOS, "$B", tokens.EOS],
        special_tokens=[(tokens.BOS, 0), (tokens.EOS, 2)],
    )
    backend.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in tokens.SPECIAL_TOKENS])
    added = [*tokens.TAG_TOKENS, *(tokens.location_token(index) for index in range(location_count))]
    backend.add_tokens([AddedToken(name, lstrip=True, rstrip=False, normalized=False) for name in added])
    return backend
