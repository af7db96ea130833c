"""Which number type is loaded, the check behind it, and the cache of 8-bit weights."""

import json
import os
import threading

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent import precision
from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference import int8_model
from kosmos_agent.inference.agreement import Agreement, compare, sample_answers, sample_pictures
from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.model.companions import PROFILE_FILE
from kosmos_agent.model.quantized_cache import FORMAT, MANIFEST, QuantizedCache
from kosmos_agent.precision import NAMES, load_precision
from kosmos_agent.processor import Processor
from kosmos_agent.user_cache import cache_folder


@pytest.fixture
def folder(tmp_path):
    save_model(tiny_model(1), tmp_path / "model", tokenizer=TOKENIZER)
    return tmp_path / "model"


@pytest.fixture
def cache(tmp_path):
    return QuantizedCache(tmp_path / "cache")


def load(folder, cache, name="int8"):
    said = []
    return load_precision(folder, TOKENIZER, name, cache=cache, say=said.append), said


def answers(model, first=None):
    return sample_answers(model, Processor.for_config(TOKENIZER, model.config), first)


def test_int8_weights_are_made_once(folder, cache):
    (first, said), (second, quiet) = load(folder, cache), load(folder, cache)
    assert (first.precision, first.warnings, second.warnings) == ("int8", (), ())
    assert said[0].startswith("looking at sample pictures")
    assert said[-1].endswith("100 %")
    assert quiet == []
    assert torch.equal(answers(first.engine).corners, answers(second.engine).corners)


def test_int8_through_the_public_face(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KOSMOS_AGENT_CACHE", str(tmp_path / "mine"))
    picture = sample_pictures()[0]
    quick, exact = (Grounder.load(folder, dtype=dtype) for dtype in ("int8", "float32"))
    assert (quick.precision, exact.precision) == ("int8", "float32")
    assert (tmp_path / "mine" / "int8").is_dir()
    found, expected = (grounder.view(picture).find("the red cup") for grounder in (quick, exact))
    assert found.presence == pytest.approx(expected.presence, abs=0.1)
    assert quick.view(picture).caption().text


def test_other_weights_in_the_same_place_are_quantised_anew(folder, cache):
    before, _ = load(folder, cache)
    save_model(tiny_model(2), folder, tokenizer=TOKENIZER)
    after, said = load(folder, cache)
    assert after.warnings == ()
    assert said
    assert not torch.equal(answers(before.engine).corners, answers(after.engine).corners)


def test_the_same_weights_elsewhere_are_found(folder, cache, tmp_path):
    load(folder, cache)
    folder.rename(tmp_path / "moved")
    _, said = load(tmp_path / "moved", cache)
    assert said == []


def corrupt_a_byte(place):
    file = sorted(place.glob("*.safetensors"))[0]
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


def cut_short(place):
    file = sorted(place.glob("*.safetensors"))[0]
    file.write_bytes(file.read_bytes()[:-8])


def lose_a_file(place):
    sorted(place.glob("*.safetensors"))[0].unlink()


def lose_the_manifest(place):
    (place / MANIFEST).unlink()


def name_other_weights(place):
    manifest = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).write_text(json.dumps({**manifest, "weights_sha256": "0" * 64}))


def older_format(place):
    manifest = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).write_text(json.dumps({**manifest, "format": FORMAT - 1}))


@pytest.mark.parametrize(
    "harm", [corrupt_a_byte, cut_short, lose_a_file, lose_the_manifest, name_other_weights, older_format]
)
def test_a_cache_that_is_not_as_it_was_written_is_made_again_with_a_warning(folder, cache, harm):
    whole, _ = load(folder, cache)
    harm(cache.place(folder))
    mended, _ = load(folder, cache)
    (warning,) = mended.warnings
    assert "made again" in warning
    assert torch.equal(answers(mended.engine).corners, answers(whole.engine).corners)
    assert load(folder, cache)[0].warnings == ()


def test_a_cache_that_cannot_be_written_is_done_without(folder, tmp_path):
    (tmp_path / "file").write_text("")
    loaded, _ = load(folder, QuantizedCache(tmp_path / "file"))
    assert "not kept for the next time" in loaded.warnings[0]
    assert answers(loaded.engine).corners.isfinite().all()


def test_a_writing_that_fails_leaves_nothing(folder, cache):
    def fail(target):
        (target / "part.safetensors").write_bytes(b"0")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.make(folder, fail)
    assert cache.files(folder) is None
    assert [path for path in cache.root.iterdir() if path.is_dir()] == []


def test_a_cache_that_may_only_be_read_is_used(folder, cache, monkeypatch):
    load(folder, cache)

    def refused(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr(os, "utime", refused)
    again, said = load(folder, cache)
    assert (again.precision, again.warnings, said) == ("int8", (), [])


def test_those_that_start_together_make_the_weights_once(folder, cache):
    """The second comes while the first is writing; both have the files of the one writing."""
    writing, second_is_there, written, found = threading.Event(), threading.Event(), [], {}

    def write(target):
        written.append(target)
        writing.set()
        second_is_there.wait()
        (target / "x.safetensors").write_bytes(bytes(16))

    def make(name):
        found[name] = cache.make(folder, write)

    first, second = (threading.Thread(target=make, args=[name]) for name in ("first", "second"))
    first.start()
    writing.wait()
    second.start()
    second_is_there.set()
    first.join()
    second.join()
    assert len(written) == 1
    assert found["first"] == found["second"] == cache.files(folder)


def test_what_another_has_made_meanwhile_is_not_replaced(folder, cache):
    """Its folder may be open there: the very same one stays."""
    cache.make(folder, lambda target: (target / "x.safetensors").write_bytes(bytes(16)) and None)
    before = cache.place(folder).stat().st_ino
    cache.make(folder, lambda target: pytest.fail("it was there already"))
    assert cache.place(folder).stat().st_ino == before


def test_other_weights_of_the_same_shape_and_times_are_told_apart(folder, cache, tmp_path):
    """As `cp -p` of them leaves it: the size and the time of change are those of the old file."""
    file = folder / "model.safetensors"
    before, stat = cache.identity(folder), file.stat()
    save_model(tiny_model(2), tmp_path / "other", tokenizer=TOKENIZER)
    file.write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns, file.stat().st_ino) == (
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ino,
    )
    assert cache.identity(folder) != before


def test_the_longest_unused_go_when_there_is_no_room(tmp_path):
    cache = QuantizedCache(tmp_path / "cache", most_bytes=250)
    folders = []
    for seed in range(3):
        folders.append(tmp_path / str(seed))
        save_model(tiny_model(seed), folders[-1])
        cache.make(folders[-1], lambda target: (target / "x.safetensors").write_bytes(bytes(100)) and None)
        size = sum(path.stat().st_size for path in cache.place(folders[-1]).iterdir())
        os.utime(cache.place(folders[-1]), (seed, seed))
    assert 3 * size > 250
    assert [cache.files(folder) is not None for folder in folders] == [False, False, True]


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("KOSMOS_AGENT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("KOSMOS_AGENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "kosmos-agent"


def test_a_model_agrees_with_itself_and_not_with_another():
    model, other = tiny_model(1), tiny_model(2)
    reference = answers(model)
    assert compare(reference, answers(model, reference.first)) == Agreement(0.0, 0.0)
    assert not compare(reference, answers(other, reference.first)).is_close
    assert torch.allclose(reference.corners.sum(dim=-1), torch.ones(8, 2), atol=1e-5)


def test_what_is_not_a_number_is_never_close():
    nan = float("nan")
    assert Agreement(0.0, 0.0).is_close
    assert not Agreement(nan, 0.0).is_close
    assert not Agreement(0.0, nan).is_close


def test_auto_is_float32_for_small_models_and_makes_no_cache(folder, cache):
    loaded, said = load(folder, cache, "auto")
    assert (loaded.precision, said) == ("float32", [])
    assert not cache.root.exists()


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("measured", [True, False])
def test_auto_is_bfloat16_for_small_models_that_were_measured_in_it_on_cpus_that_have_it(
    folder, cache, monkeypatch, native, measured
):
    (folder / PROFILE_FILE).write_text(json.dumps({"bfloat16": measured}))
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: native)
    assert load(folder, cache, "auto")[0].precision == ("bfloat16" if native and measured else "float32")


@pytest.mark.parametrize("speed", [("int8", "bfloat16", "float32"), ("bfloat16", "int8", "float32"), ("float32",)])
def test_auto_is_the_fastest_that_agrees_for_large_models(folder, cache, monkeypatch, speed):
    monkeypatch.setattr(precision, "LARGE", 1)
    monkeypatch.setattr(precision, "types_by_speed", lambda: speed)
    assert load(folder, cache, "auto")[0].precision == speed[0]


def test_auto_passes_over_what_does_not_agree(folder, cache, monkeypatch):
    monkeypatch.setattr(precision, "LARGE", 1)
    monkeypatch.setattr(precision, "types_by_speed", lambda: ("int8", "bfloat16", "float32"))
    cache.note(folder, {"int8": {"presence": 0.0, "location": 0.9}})
    assert load(folder, cache, "auto")[0].precision == "bfloat16"
    cache.note(folder, {"bfloat16": {"presence": 0.9, "location": 0.0}})
    loaded, said = load(folder, cache, "auto")
    assert (loaded.precision, said) == ("float32", [])
    asked, _ = load(folder, cache)
    assert "does not answer as float32" in asked.warnings[0]


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_beside_a_cpu_is_bfloat16_where_the_device_has_it(folder, cache, monkeypatch, native, expected):
    asked = []
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: asked.append(device) or native)
    monkeypatch.setattr(precision, "pack_layers", lambda model: model)
    loaded = load_precision(folder, TOKENIZER, "auto", "meta", cache=cache)
    assert (loaded.engine.dtype, loaded.engine.device.type, asked) == (expected, "meta", ["meta"])


def test_int8_is_checked_on_the_device_that_it_is_asked_for(folder, cache, monkeypatch):
    """Without exact products on the CPU: the device's own are what counts, and have a note of their own."""
    asked = []

    def load(folder, files, *, device):
        asked.append(device)
        return load_model(folder)

    monkeypatch.setattr(int8_model, "load_quantized", load)
    monkeypatch.setattr(int8_model, "exact_kernels", lambda kind: ())
    model = int8_model.Int8Model(folder, TOKENIZER, cache=cache)
    assert model.agreement(device="cuda:1").is_close
    assert asked == ["cuda:1"]
    assert cache.notes(folder).keys() == {"int8 on cuda"}
    model.agreement(device="cuda")
    assert asked == ["cuda:1"], "measured once for each kind of device"
    model.agreement()
    assert asked == ["cuda:1", "cpu"]


def test_unknown_names_and_machines_without_exact_products_are_refused(folder, cache, monkeypatch):
    with pytest.raises(InvalidArgumentError, match=", ".join(NAMES)):
        load(folder, cache, "int4")
    monkeypatch.setattr("kosmos_agent.model.quantized.exact_kernels", lambda device: ())
    with pytest.raises(InvalidArgumentError, match="no exact 8-bit products on cpu"):
        load(folder, cache)


def test_an_8_bit_model_is_not_saved_as_a_checkpoint(folder, cache, tmp_path):
    loaded, _ = load(folder, cache)
    with pytest.raises(CheckpointError, match="8-bit"):
        save_model(loaded.engine, tmp_path / "out")
    save_model(load_model(folder), tmp_path / "out")
