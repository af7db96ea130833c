"""The request bodies as the OpenAPI page shows them; they are read by `bodies`, not by the framework."""

from __future__ import annotations

from typing import Any

from kosmos_agent.asks import Ask
from kosmos_agent.serving.bodies import PictureNote

_BASE64 = {"type": "string", "contentEncoding": "base64", "description": "A PNG, JPEG, WebP, ... file in base64."}
_FILE = {"type": "string", "format": "binary", "description": "A PNG, JPEG, WebP, ... file."}


def body_schema(ask: type[Ask]) -> dict[str, Any]:
    """JSON, and the same as a form. Schemas are written out in place: nothing else holds what they would refer to."""
    asked, note = _flat(ask.model_json_schema()), PictureNote.model_json_schema()
    fields = {name: schema for name, schema in asked["properties"].items() if name != "task"} | note["properties"]
    required = ["image", *asked.get("required", ())]

    def body(image: dict[str, str]) -> dict[str, Any]:
        return {"schema": {"type": "object", "properties": {"image": image, **fields}, "required": required}}

    return {"required": True, "content": {"application/json": body(_BASE64), "multipart/form-data": body(_FILE)}}


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """`$ref` replaced by what it refers to."""
    definitions = schema.get("$defs", {})

    def resolved(item: Any) -> Any:
        if isinstance(item, dict):
            if "$ref" in item:
                return resolved(definitions[item["$ref"].rpartition("/")[2]])
            return {name: resolved(value) for name, value in item.items() if name != "$defs"}
        return [resolved(value) for value in item] if isinstance(item, list) else item

    flat: dict[str, Any] = resolved(schema)
    return flat
