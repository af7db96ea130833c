"""The word tokenizer of small models, and what every tokenizer must keep."""

import json
import pickle
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent import tokens
from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.tokenizer import Tokenizer, build_word_tokenizer

FAST = settings(derandomize=True, max_examples=150, deadline=None)
WORDS = ["red", "cup", "the", "left of", "blue", "box", "x-ray"]


@pytest.fixture(scope="module")
def tokenizer():
    return build_word_tokenizer(WORDS)


def test_tokens_stand_in_the_published_order(tokenizer):
    assert [tokenizer.token(index) for index in range(4)] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.token(tokenizer.mask_id) == "<mask>"
    tail = [tokenizer.token(index) for index in range(tokenizer.mask_id + 1, tokenizer.size)]
    assert tail == [*tokens.TAG_TOKENS, *(f"<patch_index_{index:04d}>" for index in range(1024))]


def test_a_known_word_is_one_token_and_its_case_does_not_matter(tokenizer):
    assert [tokenizer.token(index) for index in tokenizer.encode("The RED cup")] == ["▁the", "▁red", "▁cup"]
    assert len(tokenizer.encode("left of")) == 2
    assert len(tokenizer.encode("X-ray")) == 1


def test_an_unknown_word_is_spelt_and_reads_back(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a zebra, 42 cups?")) == "a zebra, 42 cups?"


def test_accents_are_dropped_and_foreign_letters_become_question_marks(tokenizer):
    assert tokenizer.decode(tokenizer.encode("Café\u00a0Ñandú ½ 日本")) == "cafe nandu 1?2 ??"


def test_tags_are_added_tokens_as_published(tokenizer):
    added = {item["content"]: item for item in json.loads(tokenizer.to_json())["added_tokens"]}
    assert added.keys() == {*tokens.SPECIAL_TOKENS, *tokens.TAG_TOKENS, *map(tokens.location_token, range(1024))}
    for name, item in added.items():
        assert item["special"] == (name in tokens.SPECIAL_TOKENS)
        assert item["lstrip"] == (not item["special"])
        assert not item["rstrip"]
        assert not item["normalized"]


def test_spaces_round_tags_do_not_matter(tokenizer):
    wanted = tokenizer.encode("<grounding><phrase> the cup</phrase>")
    for text in (
        "<grounding> <phrase>the cup</phrase>",
        "<grounding><phrase> the cup </phrase>",
        " <grounding><phrase>the cup </phrase>",
    ):
        assert tokenizer.encode(text) == wanted
    assert wanted[:2] == [tokenizer.grounding_id, tokenizer.phrase_id]
    assert wanted[-1] == tokenizer.phrase_end_id


def test_decoding_keeps_tags_and_drops_special_tokens(tokenizer):
    text = "<phrase> the cup</phrase><object><patch_index_0044><patch_index_0863></object>"
    ids = [tokenizer.bos_id, *tokenizer.encode(text), tokenizer.eos_id, tokenizer.pad_id]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids, skip_special=False).endswith("</s><pad>")


@FAST
@given(st.text())
def test_no_text_becomes_unknown(tokenizer, text):
    cleaned = text.replace("<", "")
    assert tokenizer.unk_id not in tokenizer.encode(cleaned)


@FAST
@given(st.text(string.ascii_lowercase + string.digits + string.punctuation.replace("<", "") + " "))
def test_ascii_reads_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == " ".join(text.split())


def test_location_ids_and_indices_are_inverse(tokenizer):
    assert [tokenizer.location_index(tokenizer.location_id(index)) for index in (0, 44, 1023)] == [0, 44, 1023]
    assert tokenizer.token(tokenizer.location_id(44)) == "<patch_index_0044>"
    assert tokenizer.location_index(tokenizer.grounding_id) is None
    assert tokenizer.location_index(tokenizer.size) is None
    with pytest.raises(InvalidArgumentError, match="0 to 1023"):
        tokenizer.location_id(1024)


def test_other_grids_and_copies(tokenizer, tmp_path):
    small = build_word_tokenizer(WORDS, location_count=16)
    assert (small.grid_side, small.location_count) == (4, 16)
    tokenizer.save(tmp_path / "tokenizer.json")
    text = "<grounding><phrase> the red x9</phrase>"
    for copy in (Tokenizer.from_file(tmp_path / "tokenizer.json"), pickle.loads(pickle.dumps(tokenizer))):  # noqa: S301
        assert copy.encode(text) == tokenizer.encode(text)
        assert copy.size == tokenizer.size


def test_remembered_ids_equal_fresh_ones(tokenizer):
    assert list(tokenizer.encode_words("the red cup")) == tokenizer.encode("the red cup")
    assert tokenizer.encode_words("the red cup") is tokenizer.encode_words("the red cup")


def test_the_vocabulary_is_the_same_for_the_same_words_in_any_order():
    assert build_word_tokenizer(WORDS[::-1]).to_json() == build_word_tokenizer(WORDS).to_json()


def test_unusable_files_and_words_are_refused(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"not a tokenizer\.json"):
        Tokenizer.from_file(tmp_path / "broken.json")
    (tmp_path / "latin.json").write_bytes('{"caf\xe9": 1}'.encode("latin-1"))
    with pytest.raises(CheckpointError, match=r"latin\.json is not UTF-8"):
        Tokenizer.from_file(tmp_path / "latin.json")
    with pytest.raises(CheckpointError, match="no tokenizer file"):
        Tokenizer.from_file(tmp_path / "absent.json")
    with pytest.raises(InvalidArgumentError, match="ASCII"):
        build_word_tokenizer(["tasse", "Äpfel"])


def test_a_tokenizer_without_the_tags_is_refused(tokenizer):
    with pytest.raises(CheckpointError, match="<grounding>"):
        Tokenizer.from_json(tokenizer.to_json().replace("<grounding>", "<other>"))
