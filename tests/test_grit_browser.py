"""The page of samples: every word of the data escaped, boxes and spans where they belong."""

import base64
import io
import re
from html.parser import HTMLParser

import pytest
from grit_parts import jpeg, write_sample
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.browser import figure, write_page
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.table import write_table

HOSTILE = '<script>alert("1")</script> a dog & <img src=x onerror=alert(2)>'
ALLOWED = {"html", "meta", "title", "style", "h1", "main", "figure", "svg", "image", "rect", "text", "figcaption"}
ALLOWED |= {"mark", "br", "small"}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.words, self.attributes = set(), "", []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.words += data


def page(tmp_path, *records, **options):
    for record in records:
        write_sample(tmp_path / "00000", record.key, record.caption)
    write_table(tmp_path / "00000.parquet", records)
    write_page(tmp_path, tmp_path / "page.html", **options)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def parsed(text):
    tags = Tags()
    tags.feed(text)
    return tags


def dog(caption="a dog here", key="k", url="", span=(0, 5)):
    rows = (SpanBox(*span, (0.25, 0.5, 0.75, 1.0), 0.87),)
    return GritRecord(key, caption, 64, 48, rows, rows, url=url)


def test_nothing_of_the_data_becomes_a_tag_or_an_attribute(tmp_path):
    start = HOSTILE.index("a dog")
    hostile = dog(HOSTILE, url='https://x.org/"><script>', span=(start, len(HOSTILE)))
    tags = parsed(page(tmp_path, hostile))
    assert tags.seen <= ALLOWED
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert HOSTILE in tags.words
    assert 'https://x.org/"><script>' in tags.words


def test_the_page_may_load_nothing_from_elsewhere(tmp_path):
    text = page(tmp_path, dog(url="https://x.org/dog.jpg"))
    assert "default-src 'none'; img-src data:;" in text
    assert re.findall(r'(?:href|src)="(\w+:)', text) == ["data:"]


def test_the_box_lies_over_its_part_of_the_picture_and_the_span_has_its_colour():
    text = figure(Sample("k", {"jpg": jpeg(64, 48)}), dog(), dog().ref_exps, 32)
    assert '<svg viewBox="0 0 32 24">' in text
    (rect,) = re.findall(r'<rect x="8.0" y="12.0" width="16.0" height="12.0" stroke="(#\w+)"/>', text)
    assert f'<mark style="border-color:{rect}">a dog</mark> here' in text
    assert ">0.87</text>" in text
    data = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])
    assert Image.open(io.BytesIO(data)).size == (32, 24)


def test_samples_are_taken_from_every_shard(tmp_path):
    for shard in ("00000", "00001"):
        for place in range(4):
            write_sample(tmp_path / shard, f"{shard}{place}")
        write_table(tmp_path / f"{shard}.parquet", [dog(key=f"{shard}{place}") for place in range(4)])
    assert write_page(tmp_path, tmp_path / "page.html", count=4) == 4
    assert re.findall(r"<small>(\w+)", (tmp_path / "page.html").read_text()) == ["000000", "000001", "000010", "000011"]


def test_pictures_that_cannot_be_read_are_left_out_and_told(tmp_path):
    told = []
    write_sample(tmp_path / "00000", "bad", picture=b"none")
    assert "good" in page(tmp_path, dog(key="good"), on_reject=told.append)
    write_table(tmp_path / "00000.parquet", [dog(key="good"), dog(key="bad")])
    assert write_page(tmp_path, tmp_path / "page.html", on_reject=told.append) == 1
    assert [(reject.key, reject.code) for reject in told] == [("bad", "invalid_image")]


def test_a_folder_without_records_and_a_page_that_cannot_be_written_are_refused(tmp_path):
    write_sample(tmp_path / "00000", "k")
    write_table(tmp_path / "00000.parquet", [])
    with pytest.raises(InvalidArgumentError, match="no record"):
        write_page(tmp_path, tmp_path / "page.html")
    write_table(tmp_path / "00000.parquet", [dog()])
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        write_page(tmp_path, tmp_path / "nowhere" / "page.html")
