"""The SentencePiece reader, on a model file written by hand."""

import struct

import pytest

from kosmos_agent.errors import CheckpointError
from kosmos_agent.sentencepiece_file import read_sentencepiece
from kosmos_agent.tokenizer import Tokenizer


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(field, payload):
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def piece(text, score, kind=1):
    body = message(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + varint(3 << 3) + varint(kind)
    return message(1, body)


PIECES = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁a", -1.5), ("▁", -3.0), *((c, -4.0) for c in "abcdé")]
TRAINER = message(2, varint(3 << 3) + varint(64000) + varint(10 << 3 | 1) + bytes(8))


def model_bytes():
    return b"".join(piece(*item) for item in PIECES) + TRAINER + message(3, message(1, b"identity"))


def test_pieces_and_scores_are_read_in_order(tmp_path):
    file = tmp_path / "model"
    file.write_bytes(model_bytes() + message(3, message(1, b"nmt_nfkc") + message(2, b"x" * 300)))
    model = read_sentencepiece(file)
    assert model.pieces == tuple(PIECES)
    assert model.charsmap == b"x" * 300


def test_a_tokenizer_grows_from_it(tmp_path):
    (tmp_path / "model").write_bytes(model_bytes())
    tokenizer = Tokenizer.from_sentencepiece(tmp_path / "model")
    assert [tokenizer.token(index) for index in range(6)] == ["<s>", "<pad>", "</s>", "<unk>", "▁a", "▁"]
    assert tokenizer.encode("a<phrase> bé") == [4, tokenizer.phrase_id, 5, 7, 10]
    assert tokenizer.encode("z")[-1] == tokenizer.unk_id


@pytest.mark.parametrize(
    "content",
    [b"", model_bytes()[:-3], b"\xff" * 40, b"\x0b", TRAINER, message(1, message(1, b"\xff\xfe")), b"{}" * 50],
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(CheckpointError, match="not a SentencePiece model"):
        read_sentencepiece(tmp_path / "model")


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="absent"):
        read_sentencepiece(tmp_path / "absent")
