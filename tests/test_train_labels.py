"""COCO, LabelMe and YOLO exports: the same boxes from each, and every fault named with its file."""

import json

import pytest
from kosmos_sim.box_sets import FORMATS
from training_data import some_boxes, square_picture

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.training.labels.reading import read_boxes, to_train_on
from kosmos_agent.training.labels.splits import own_part

SIZE = (64, 48)


def write_set(folder, form, count=6):
    """Pictures of one square each, called "red box" and so on; the boxes as fractions."""
    (folder / "images").mkdir(parents=True)
    pictures, expected = [], {}
    for number, (colour, box) in enumerate(some_boxes(count, seed=4)):
        file, name = f"{number}.png", f"{colour}_box"
        square_picture(colour, box, SIZE).save(folder / "images" / file)
        x1, y1, x2, y2 = (value * side for value, side in zip(box, (*SIZE, *SIZE), strict=True))
        pictures.append((file, SIZE, [(name, (x1, y1, x2, y2))]))
        expected[file] = (name.replace("_", " "), box)
    FORMATS[form](folder, pictures, sorted({name for *_, boxes in pictures for name, _ in boxes}))
    return expected


@pytest.mark.parametrize("form", ["coco", "labelme", "yolo"])
def test_each_format_gives_names_and_fractions(tmp_path, form):
    expected = write_set(tmp_path / form, form)
    found = {picture.path.name: picture.boxes for picture in read_boxes(tmp_path / form, form)}
    assert found.keys() == expected.keys()
    for file, (name, box) in expected.items():
        assert [label for label, _ in found[file]] == [name]
        assert found[file][0][1] == pytest.approx(box, abs=1e-5)


def change_coco(folder, **parts):
    file = folder / "annotations.json"
    data = json.loads(file.read_text())
    for key, value in parts.items():
        where, name = key.split("__")
        data[where][0][name] = value
    file.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"annotations__bbox": [1, 2, 0, 5]}, r"annotations\.json annotation 1: box .* is empty or inverted"),
        ({"annotations__bbox": [1, 2, 90, 5]}, r"annotation 1: box .* leaves the picture"),
        ({"annotations__bbox": [1, 2, float("nan"), 5]}, r"annotation 1: .* valid: four finite numbers"),
        ({"annotations__bbox": [1, 2, 3]}, r"annotation 1: bbox is \[1, 2, 3\]; valid: x, y, width, height"),
        ({"annotations__image_id": 99}, r"annotation 1: there is no image 99"),
        ({"annotations__category_id": 99}, r"annotation 1: there is no category 99"),
        ({"images__file_name": "none.png"}, r"image 1: there is no picture 'none\.png'"),
        ({"images__file_name": "../../up.png"}, r"image 1: picture .* lies outside"),
        ({"images__width": 640}, r"image 1: stated as \(640, 48\), but .* is \(64, 48\)"),
        ({"categories__name": ""}, r"category 0: label ''"),
    ],
)
def test_faults_in_coco(tmp_path, change, said):
    write_set(tmp_path, "coco")
    change_coco(tmp_path, **change)
    with pytest.raises(InvalidLabelsError, match=said):
        read_boxes(tmp_path, "coco")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"imagePath": "../images/none.png"}, r"0\.json: there is no picture .*none\.png"),
        ({"imagePath": "../../../up.png"}, r"0\.json: picture .* lies outside"),
        ({"shapes": [{"label": "x", "shape_type": "circle", "points": []}]}, r"0\.json shape 1 is a 'circle'; valid"),
        ({"shapes": [{"label": "x", "shape_type": "rectangle", "points": [[1, 2]]}]}, r"shape 1: points is"),
        ({"shapes": None}, r"0\.json has no list shapes"),
    ],
)
def test_faults_in_labelme(tmp_path, change, said):
    write_set(tmp_path, "labelme")
    file = tmp_path / "labels" / "0.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InvalidLabelsError, match=said):
        read_boxes(tmp_path, "labelme")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.2", r"0\.txt line 1: 3 numbers; valid: 4 of a box"),
        ("9 0.5 0.5 0.2 0.2", r"0\.txt line 1: there is no class 9; valid: 0, 1, 2"),
        ("0 0.9 0.5 0.6 0.2", r"0\.txt line 1: box .* leaves the picture"),
        ("0 0.5 0.5 0 0.2", r"0\.txt line 1: box .* is empty or inverted"),
        ("0 0.5 nan 0.2 0.2", r"0\.txt line 1: .* not finite"),
        ("cup 0.5 0.5 0.2 0.2", r"0\.txt line 1: .* is not a class and numbers"),
    ],
)
def test_faults_in_yolo(tmp_path, line, said):
    write_set(tmp_path, "yolo")
    (tmp_path / "labels" / "0.txt").write_text(line)
    with pytest.raises(InvalidLabelsError, match=said):
        read_boxes(tmp_path, "yolo")


def test_yolo_polygons_missing_labels_and_missing_names(tmp_path):
    write_set(tmp_path, "yolo")
    (tmp_path / "labels" / "0.txt").write_text("1 0.1 0.2 0.5 0.2 0.3 0.75\n")
    first = read_boxes(tmp_path, "yolo")[0]
    assert first.boxes[0][1] == pytest.approx((0.1, 0.2, 0.5, 0.75))
    (tmp_path / "labels" / "1.txt").unlink()
    with pytest.raises(InvalidLabelsError, match=r"1\.png has no labels; valid: .*1\.txt"):
        read_boxes(tmp_path, "yolo")
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(InvalidLabelsError, match=r"valid: data\.yaml or classes\.txt"):
        read_boxes(tmp_path, "yolo")


@pytest.mark.parametrize("form", ["coco", "labelme", "yolo"])
def test_broken_pictures_and_empty_folders(tmp_path, form):
    with pytest.raises(InvalidLabelsError):
        read_boxes(tmp_path, form)
    write_set(tmp_path / "set", form)
    (tmp_path / "set" / "images" / "0.png").write_bytes(b"nothing")
    with pytest.raises(InvalidLabelsError, match=r"0\.png"):
        read_boxes(tmp_path / "set", form)


def coco_file(file, pictures, categories=("cup", "box"), **more):
    """pictures: file name to [(class number, bbox, iscrowd)]."""
    images, annotations = [], []
    for number, (name, boxes) in enumerate(pictures.items(), start=1):
        images.append({"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]})
        for kind, bbox, crowd in boxes:
            place = {"id": len(annotations) + 1, "image_id": number, "category_id": kind}
            annotations.append({**place, "bbox": bbox, "iscrowd": crowd})
    named = [{"id": number, "name": name, **more} for number, name in enumerate(categories)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": named}))


def plain_picture(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    square_picture("red", (0.1, 0.1, 0.5, 0.5), SIZE).save(file)


ONE = [(0, [1, 2, 10, 20], 0)]


def test_boxes_around_crowds_are_told_and_left_out(tmp_path):
    plain_picture(tmp_path / "a.png")
    coco_file(tmp_path / "labels.json", {"a.png": [*ONE, (1, [5, 5, 40, 40], 1)]})
    told = []
    (picture,) = read_boxes(tmp_path, "coco", told.append)
    assert [name for name, _ in picture.boxes] == ["cup"]
    assert picture.crowds == ("box",)
    assert len(told) == 1
    assert "labels.json: 1 boxes around crowds" in told[0]


def test_cocos_own_folders_are_read_as_they_are(tmp_path):
    """Captions and key points lie beside the boxes, pictures in train2017 and val2017."""
    for split in ("train2017", "val2017"):
        plain_picture(tmp_path / split / f"{split}.png")
        coco_file(tmp_path / "annotations" / f"instances_{split}.json", {f"{split}.png": ONE})
        coco_file(
            tmp_path / "annotations" / f"person_keypoints_{split}.json", {f"{split}.png": ONE}, keypoints=["nose"]
        )
        captions = {"images": [], "annotations": [{"image_id": 1, "caption": "a cup"}]}
        (tmp_path / "annotations" / f"captions_{split}.json").write_text(json.dumps(captions))
    told = []
    pictures = read_boxes(tmp_path, "coco", told.append)
    assert [(picture.path.name, picture.part) for picture in pictures] == [
        ("train2017.png", "train"),
        ("val2017.png", "judge"),
    ]
    assert sum("has no list categories: passed over" in note for note in told) == 2
    assert sum("labels key points: passed over" in note for note in told) == 2
    for split in ("train2017", "val2017"):
        (tmp_path / "annotations" / f"instances_{split}.json").unlink()
    assert len(read_boxes(tmp_path, "coco")) == 2, "key points alone have boxes too"


def test_a_picture_in_two_files_and_a_folder_without_boxes_are_refused(tmp_path):
    plain_picture(tmp_path / "a.png")
    coco_file(tmp_path / "one.json", {"a.png": ONE})
    coco_file(tmp_path / "two.json", {"a.png": ONE})
    with pytest.raises(InvalidLabelsError, match=r"a\.png is labelled in .*one\.json and in .*two\.json"):
        read_boxes(tmp_path, "coco")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "captions.json").write_text('{"images": []}')
    with pytest.raises(InvalidLabelsError, match=r"captions\.json has no list annotations; valid: a COCO file"):
        read_boxes(tmp_path / "other", "coco")


@pytest.mark.parametrize("form", ["coco", "labelme", "yolo"])
def test_an_exports_own_split_is_known(tmp_path, form):
    """As folders train and valid, each with labels and pictures."""
    for part in ("train", "valid"):
        write_set(tmp_path / part, form, count=3)
    if form == "yolo":
        (tmp_path / "train" / "data.yaml").rename(tmp_path / "data.yaml")
    pictures = read_boxes(tmp_path, form)
    assert [picture.part for picture in pictures] == ["train"] * 3 + ["judge"] * 3
    trained = to_train_on(pictures)
    assert [picture.part for picture in trained] == ["train"] * 3
    assert to_train_on(trained) == trained, "nothing that judges, so no split"


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("images/val2014/a.jpg", "judge"),
        ("test/a.jpg", "judge"),
        ("Train/images/a.jpg", "train"),
        ("annotations/instances_train2017.json", "train"),
        ("_annotations.coco.json", None),
        ("images/train.jpg", None),
        ("training/a.jpg", None),
    ],
)
def test_parts_by_names_of_folders_and_label_files(tmp_path, file, part):
    assert own_part(tmp_path / file, tmp_path) == part
