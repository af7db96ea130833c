import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kosmos_agent.drawing import annotate, annotate_text, strip, write_film, write_strip
from kosmos_agent.drawing.style import PALETTE, STATUS_COLOURS, font, shortened, text_width
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box, Candidate, Entity, Frame, GroundedText, Grounding

GREY = Image.new("RGB", (320, 240), (128, 128, 128))


def grounding(status, *boxes, phrase="the red cup"):
    candidates = tuple(Candidate(box=box, probability=0.9 / (index + 1)) for index, box in enumerate(boxes))
    frame = Frame(width=320, height=240)
    timings = {"view": 20.0, "find": 5.0}
    return Grounding(
        phrase=phrase, status=status, candidates=candidates, presence=0.5, frame=frame, model="m", timings_ms=timings
    )


def near(image, box, colour):
    """Whether the middle of the box's left edge, within its line, shows the colour."""
    x, y = box.x1 * image.width, box.centre[1] * 240 / 320 * image.width
    patch = np.asarray(image)[round(y), max(0, round(x) - 8) : round(x) + 8].astype(int)
    return bool((np.abs(patch - colour).sum(axis=-1) < 30).any())


@st.composite
def boxes(draw):
    x1, y1 = draw(st.floats(0, 0.98)), draw(st.floats(0, 0.98))
    return Box(x1=x1, y1=y1, x2=draw(st.floats(x1 + 0.01, 1)), y2=draw(st.floats(y1 + 0.01, 1)))


def test_the_box_is_where_the_answer_says_in_the_status_colour():
    box = Box(x1=0.25, y1=0.4, x2=0.5, y2=0.9)
    assert near(annotate(GREY, grounding("found", box)), box, STATUS_COLOURS["found"])
    assert not near(annotate(GREY, grounding("not_found")), box, STATUS_COLOURS["found"])


def test_the_thing_itself_keeps_its_colour_and_the_rest_steps_back():
    image = annotate(GREY, grounding("found", Box(x1=0.25, y1=0.25, x2=0.75, y2=0.75)))
    middle = image.width * 240 // 320 // 2
    assert image.getpixel((image.width // 2, middle)) == (128, 128, 128)
    assert image.getpixel((image.width - 5, middle))[0] < 110


def test_candidates_of_an_ambiguous_answer_differ_in_colour():
    left, right = Box(x1=0.1, y1=0.3, x2=0.3, y2=0.7), Box(x1=0.6, y1=0.3, x2=0.8, y2=0.7)
    image = annotate(GREY, grounding("ambiguous", left, right))
    assert near(image, left, PALETTE[1])
    assert near(image, right, PALETTE[2])


def test_of_many_things_every_box_is_drawn_as_the_answer():
    left, right = Box(x1=0.1, y1=0.3, x2=0.3, y2=0.7), Box(x1=0.6, y1=0.3, x2=0.8, y2=0.7)
    one = grounding("found", left, right)
    many = one.model_copy(update={"count": "many"})
    for answer, expected in ((one, False), (many, True)):
        assert near(annotate(GREY, answer), left, STATUS_COLOURS["found"])
        assert near(annotate(GREY, answer), right, STATUS_COLOURS["found"]) == expected
    between = (annotate(GREY, many).width // 2, 20)
    assert annotate(GREY, many).getpixel(between) == (128, 128, 128), "nothing steps back behind several answers"


def test_several_answers_get_a_line_each():
    one = annotate(GREY, [grounding("found", Box(x1=0.1, y1=0.1, x2=0.3, y2=0.3))])
    three = annotate(GREY, [grounding("found", Box(x1=0.1, y1=0.1, x2=0.3, y2=0.3))] + [grounding("not_found")] * 2)
    picture = one.width * 240 // 320
    assert three.height - picture == pytest.approx(3 * (one.height - picture), abs=3)


@settings(max_examples=8, deadline=None)
@given(st.lists(boxes(), max_size=3), st.sampled_from(["found", "ambiguous"]), st.text(min_size=1, max_size=256))
def test_any_answer_can_be_drawn_twice_alike(found, status, phrase):
    answer = grounding(status if found else "not_found", *found, phrase=phrase)
    first, second = annotate(GREY, answer), annotate(GREY, answer)
    assert first.width == 768
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != annotate(GREY, answer.model_copy(update={"status": "cannot_tell"})).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (3000, 3), (5000, 4000)])
def test_pictures_of_any_shape_come_out_bounded(size):
    image = annotate(Image.new("RGB", size), grounding("found", Box(x1=0.2, y1=0.2, x2=0.6, y2=0.7)))
    assert max(image.size) <= 1800


def test_the_spans_of_a_text_have_the_colours_of_their_boxes():
    box = Box(x1=0.25, y1=0.4, x2=0.5, y2=0.9)
    text = GroundedText(text="a cup " * 40, entities=(Entity(text="cup", start=2, end=5, boxes=(box,)),))
    image = annotate_text(GREY, text)
    panel = np.asarray(image)[image.width * 240 // 320 + 4 :].reshape(-1, 3).astype(int)
    assert near(image, box, PALETTE[0])
    assert (np.abs(panel - PALETTE[0]).sum(axis=-1) < 30).any()
    assert len(panel) > 4 * 768 * 32  # the text wraps


@given(st.text(max_size=80), st.floats(0, 400))
def test_a_shortened_text_fits_or_is_only_dots(text, width):
    face = font(20)
    short = shortened(text, face, width)
    assert text_width(short, face) <= width or short == "..."
    assert short == text or short.endswith("...")


def test_a_strip_holds_every_picture_at_one_height(tmp_path):
    panels = [("before", GREY), ("after", np.full((480, 240, 3), 200, np.uint8))]
    write_strip(panels, tmp_path / "strip.png", height_px=120)
    image = Image.open(tmp_path / "strip.png")
    assert image.size == strip(panels, height_px=120).size
    pixels = np.asarray(image)[60]
    assert (pixels == 128).all(axis=-1).sum() == pytest.approx(160, abs=8)
    assert (pixels == 200).all(axis=-1).sum() == pytest.approx(60, abs=8)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_keeps_its_frames_their_colours_and_their_pace(tmp_path, suffix):
    path = tmp_path / f"film.{suffix}"
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    write_film([Image.new("RGB", (48, 32), colour) for colour in colours], path, fps=10, hold_last_s=1.0)
    film = Image.open(path)
    assert film.n_frames == 3
    total_ms = 0
    for index, colour in enumerate(colours):
        film.seek(index)
        assert film.convert("RGB").getpixel((20, 20)) == pytest.approx(colour, abs=8)
        total_ms += film.info["duration"]
    assert total_ms == 3 * 100 + 1000
    assert film.info["loop"] == 0


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"\.gif, \.webp"):
        write_film([GREY], tmp_path / "film.mp4")
    with pytest.raises(InvalidArgumentError, match="no frames"):
        write_film([], tmp_path / "film.gif")
    with pytest.raises(InvalidArgumentError, match="no pictures"):
        strip([])
