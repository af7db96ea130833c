"""Two small pictures, and the same facts about them in every public format."""

import json

import numpy as np
from PIL import Image

CUP, BOX = (10, 20, 50, 80), (60, 10, 110, 70)
"""x1, y1, x2, y2 in pixels of a 120 x 90 picture."""
WIDTH, HEIGHT = 120, 90


def xywh(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def write_picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(path)


def write_json(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def mdetr_image(number, caption, file_name="a.png", **more):
    return {"id": number, "file_name": file_name, "width": WIDTH, "height": HEIGHT, "caption": caption, **more}


def referring_file(folder, name="finetune_refcoco_val.json", expressions=(("the red cup", CUP), ("the box", BOX))):
    """Expressions about picture a.png and, the last, about b.png."""
    for number, file in enumerate(("a.png", "b.png")):
        write_picture(folder / "train2014" / file, number)
    images, annotations = [], []
    for number, (text, box) in enumerate(expressions):
        file_name = "b.png" if number == len(expressions) - 1 else "a.png"
        images.append(mdetr_image(number, text, file_name))
        annotations.append({"id": number, "image_id": number, "bbox": xywh(box)})
    return write_json(folder / name, {"images": images, "annotations": annotations})


SENTENCE = (
    "[/EN#7/people A man] with [/EN#8/clothing/other a hat] and [/EN#9/scene a view] near [/EN#10/people A man] ."
)


def entities_folder(folder):
    """One picture, one sentence: the man has two boxes, the hat one, the view none; `A man` comes twice."""
    write_picture(folder / "5.jpg")
    for name in ("Sentences", "Annotations"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "test.txt").write_text("5\n")
    (folder / "Sentences" / "5.txt").write_text(SENTENCE + "\n")
    (folder / "Annotations" / "5.xml").write_text(entities_xml([("7", CUP), ("7", BOX), ("8", BOX), ("10", BOX)]))
    return folder


def entities_xml(boxes):
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin><xmax>{b[2]}</xmax>"
        f"<ymax>{b[3]}</ymax></bndbox></object>"
        for name, b in boxes
    )
    scene = "<object><name>9</name><scene>1</scene><nobndbox>1</nobndbox></object>"
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation>{size}{objects}{scene}</annotation>"


def caption_file(folder):
    write_picture(folder / "images" / "a.png")
    write_picture(folder / "images" / "b.png", 1)
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}, {"id": 3, "file_name": "c.png"}]
    captions = [(1, "a cup"), (2, "a box"), (1, "the cup")]
    annotations = [{"id": k, "image_id": image, "caption": text} for k, (image, text) in enumerate(captions)]
    return write_json(folder / "captions.json", {"images": images, "annotations": annotations})


def question_files(folder):
    write_picture(folder / "val2014" / "COCO_val2014_000000000042.jpg")
    questions = [
        {"image_id": 42, "question_id": 1, "question": "What is it?"},
        {"image_id": 42, "question_id": 2, "question": "???"},
    ]
    annotations = [
        {
            "question_id": item["question_id"],
            "question_type": "what is",
            "answer_type": "other",
            "answers": [{"answer": "cup"}] * 10,
        }
        for item in questions
    ]
    asked = write_json(folder / "questions.json", {"questions": questions, "data_subtype": "val2014"})
    return asked, write_json(folder / "annotations.json", {"annotations": annotations})


def refer_folder(folder):
    write_picture(folder / "images" / "a.png")
    write_picture(folder / "images" / "b.png", 1)
    refs = [
        {"ref_id": 1, "ann_id": 11, "image_id": 1, "split": "val", "sentences": [{"sent": "the cup"}, {"sent": "red"}]},
        {"ref_id": 2, "ann_id": 12, "image_id": 2, "split": "val", "sentences": [{"sent": "a box"}]},
        {"ref_id": 3, "ann_id": 12, "image_id": 2, "split": "train", "sentences": [{"sent": "no"}]},
    ]
    sizes = {"width": WIDTH, "height": HEIGHT}
    images = [{"id": 1, "file_name": "a.png", **sizes}, {"id": 2, "file_name": "b.png", **sizes}]
    boxes = [{"id": 11, "bbox": xywh(CUP)}, {"id": 12, "bbox": xywh(BOX)}]
    write_json(folder / "refs(umd).json", refs)
    write_json(folder / "instances.json", {"images": images, "annotations": boxes})
    return folder
