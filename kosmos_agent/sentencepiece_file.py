"""Reads a SentencePiece model file (a protocol buffer) without the sentencepiece or protobuf packages."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kosmos_agent.errors import CheckpointError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PIECE_FIELD, _NORMALISER_FIELD = 1, 3
_CHARSMAP_FIELD = 2


@dataclass(frozen=True)
class SentencePieceModel:
    """pieces: (piece, log probability) in the order of their ids. charsmap: the compiled normaliser."""

    pieces: tuple[tuple[str, float], ...]
    charsmap: bytes


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """CheckpointError if the file is missing or is not a SentencePiece model."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read the SentencePiece model {path}: {error.strerror}") from error
    try:
        return _parse_model(data)
    except (IndexError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path} is not a SentencePiece model: {error}") from error


def _parse_model(data: bytes) -> SentencePieceModel:
    pieces: list[tuple[str, float]] = []
    charsmap = b""
    for field, value in _fields(data):
        if field == _PIECE_FIELD:
            pieces.append(_parse_piece(value))
        elif field == _NORMALISER_FIELD:
            charsmap = dict(_fields(value)).get(_CHARSMAP_FIELD, b"")
    if not pieces:
        raise ValueError("it holds no pieces")
    return SentencePieceModel(tuple(pieces), charsmap)


def _parse_piece(data: bytes) -> tuple[str, float]:
    values = dict(_fields(data))
    (score,) = struct.unpack("<f", values.get(2, bytes(4)))
    return values[1].decode("utf-8") if 1 in values else "", score


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Field number and raw payload of every field of one message; varints come back empty (none is needed)."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == _VARINT:
            _, position = _varint(data, position)
            yield key >> 3, b""
            continue
        if kind == _BYTES:
            length, position = _varint(data, position)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} at byte {position}")
        if position + length > len(data):
            raise ValueError(f"it is cut off at byte {len(data)}")
        yield key >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError(f"number too long at byte {position}")
