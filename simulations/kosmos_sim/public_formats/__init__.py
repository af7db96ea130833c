"""Rendered table-tops written as public benchmarks are: RefCOCO, Flickr30k Entities, VQAv2, COCO captions."""
