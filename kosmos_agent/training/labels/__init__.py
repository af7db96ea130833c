"""Pictures with named boxes as labelling tools export them: COCO, LabelMe, YOLO. Nothing is dropped silently."""
