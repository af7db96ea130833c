"""Detectors of transformers, tiny and with random weights: boxes, phrases and pictures keep their places."""

import pytest
import torch
from PIL import Image

from kosmos_agent.errors import CheckpointError
from kosmos_agent.grit.zero_shot_folder import zero_shot_type

transformers = pytest.importorskip("transformers", reason="needs the extra [grit]")

from kosmos_agent.grit.zero_shot import MIN_SCORE, ZeroShotDetector, dino_text, groups  # noqa: E402

PHRASES = ["a dog", "a field", "flowers"]
WORDS = ("a", "dog", "field", "flowers", "of", "in")
IMAGE = Image.linear_gradient("L").resize((96, 48)).convert("RGB")


def bert_tokenizer(folder):
    """Ids of the four tokens that Grounding DINO knows by number stand where BERT has them."""
    words = [f"[unused{place}]" for place in range(1_100)]
    words[0], words[100], words[101], words[102], words[103] = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
    words[1012], words[1029] = ".", "?"
    words[1030 : 1030 + len(WORDS)] = WORDS
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    return transformers.BertTokenizerFast(str(folder / "vocab.txt"))


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dino")
    torch.manual_seed(0)
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=transformers.BertConfig(
            vocab_size=1_100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=20, max_text_len=64,
    )  # fmt: skip
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    pictures = transformers.GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 128})
    transformers.GroundingDinoProcessor(pictures, bert_tokenizer(folder)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def owl(tmp_path_factory):
    folder = tmp_path_factory.mktemp("owl")
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Owlv2Config(
        text_config={**sizes, "vocab_size": 64, "max_position_embeddings": 16},
        vision_config={**sizes, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )
    transformers.Owlv2ForObjectDetection(config).save_pretrained(folder)
    letters = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    ends = {f"{letter}</w>": place + 26 for letter, place in letters.items()}
    vocab = {**letters, **ends, "<|startoftext|>": 52, "<|endoftext|>": 53}
    tokenizer = transformers.CLIPTokenizer(vocab=vocab, merges=[])
    pictures = transformers.Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    transformers.Owlv2Processor(pictures, tokenizer).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["dino", "owl"])
def test_the_same_question_has_the_same_answer_in_the_picture(family, request):
    detector = ZeroShotDetector.load(request.getfixturevalue(family), threads=1)
    found = detector.detect(IMAGE, PHRASES)
    assert found
    assert detector.detect(IMAGE, ["a field"]) is not None
    assert detector.detect(IMAGE, PHRASES) == found
    assert all(0 <= item.phrase < 3 and item.score >= MIN_SCORE for item in found)


def test_owl_boxes_are_those_of_transformers_own_reading(owl):
    detector = ZeroShotDetector.load(owl)
    processor = transformers.AutoProcessor.from_pretrained(owl, local_files_only=True)
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(owl, local_files_only=True).eval()
    inputs = processor(text=[PHRASES], images=IMAGE, return_tensors="pt", padding="max_length", max_length=16)
    with torch.inference_mode():
        outputs = model(**inputs)
    (expected,) = processor.post_process_grounded_object_detection(outputs, MIN_SCORE, target_sizes=[(48, 96)])
    by_place = dict(zip(map(tuple, expected["boxes"].tolist()), expected["labels"].tolist(), strict=True))
    for item in detector.detect(IMAGE, PHRASES):
        x1, y1, x2, y2 = item.box.to_pixels(96, 48)
        near = [
            label
            for (a, b, c, d), label in by_place.items()
            if max(abs(max(a, 0) - x1), abs(max(b, 0) - y1), abs(min(c, 96) - x2), abs(min(d, 48) - y2)) < 0.01
        ]
        assert item.phrase in near


def test_dino_scores_a_phrase_by_its_own_tokens(dino):
    processor = transformers.AutoProcessor.from_pretrained(dino, local_files_only=True)
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(dino, local_files_only=True).eval()
    text = "a dog. a field. flowers."
    inputs = processor(images=IMAGE, text=text, return_tensors="pt")
    tokens = processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    assert tokens == ["[CLS]", "a", "dog", ".", "a", "field", ".", "flowers", ".", "[SEP]"]
    with torch.inference_mode():
        scores = model(**inputs).logits[0].sigmoid()
    expected = torch.stack([scores[:, [1, 2]].amax(1), scores[:, [4, 5]].amax(1), scores[:, 7]], dim=1)
    best, phrase = expected.max(dim=1)
    found = ZeroShotDetector.load(dino).detect(IMAGE, PHRASES)
    assert [item.phrase for item in found] == phrase[best >= MIN_SCORE].tolist()
    assert [item.score for item in found] == pytest.approx(best[best >= MIN_SCORE].tolist())


def test_the_text_of_dino_knows_where_each_phrase_stands():
    text, spans = dino_text(PHRASES)
    assert text == "a dog. a field. flowers."
    assert [text[start:end] for start, end in spans] == PHRASES


def test_full_stops_inside_a_phrase_do_not_part_it():
    text, spans = dino_text(["St. Paul", "a dog"])
    assert text.count(".") == 2
    assert [text[start:end] for start, end in spans] == ["st  paul", "a dog"]


def test_phrases_that_do_not_fit_one_text_are_asked_for_in_several(dino):
    tokenizer = transformers.AutoTokenizer.from_pretrained(dino, local_files_only=True)
    parts = list(groups(tokenizer, ["a dog", "a field", "flowers"], limit=8))
    assert parts == [[0, 1], [2]]
    many = ["a dog in a field of flowers"] * 12
    found = ZeroShotDetector.load(dino).detect(IMAGE, many)
    assert {item.phrase for item in found} == {0, 7}, "seven fit one text, and of equal phrases the first wins"


def test_folders_are_told_apart_by_their_configuration(dino, owl, tmp_path):
    assert (zero_shot_type(dino), zero_shot_type(owl), zero_shot_type("tabletop")) == ("grounding-dino", "owlv2", None)
    with pytest.raises(CheckpointError, match="is no zero-shot detector"):
        ZeroShotDetector.load(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "owlv2"}')
    with pytest.raises(CheckpointError, match="no zero-shot detector that can be opened"):
        ZeroShotDetector.load(tmp_path)
