"""What a skill takes and gives, as JSON Schema."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from kosmos_agent.skills import Skill


class _Untitled(GenerateJsonSchema):
    """Without a title for each field, which would only say its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def input_schema(skill: Skill) -> dict[str, Any]:
    """Of the arguments as a client sends them."""
    return skill.arguments.model_json_schema(schema_generator=_Untitled)


def output_schema(skill: Skill) -> dict[str, Any]:
    """Of the report as JSON."""
    return skill.report.model_json_schema(mode="serialization", schema_generator=_Untitled)
