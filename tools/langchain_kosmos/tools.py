"""The skills of a robot as LangChain tools, bound to camera, model, arm and limits when they are made.

A tool's content is the report's text, its artifact the report as JSON. What kept a skill from answering comes back as
an error message that begins with its code, and the run goes on.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field, InstanceOf

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import Planner
from kosmos_agent.skills import SKILLS, CameraSource, Limits, Skill, Skills
from langchain_kosmos.content import Content, content_of
from langchain_kosmos.errors import SkillToolError
from langchain_kosmos.progress import progress_of
from langchain_kosmos.running import Runner

READ_ONLY, MOTION = "read-only", "motion"
_MAX_MESSAGE_CHARACTERS = 500
_log = logging.getLogger(__name__)

Answered = tuple[Content, dict[str, Any]]


class KosmosTool(BaseTool):
    """One skill. `metadata["read_only"]` and a tag say whether anything in the world moves."""

    skill: InstanceOf[Skill] = Field(exclude=True, repr=False)
    skills: InstanceOf[Skills] = Field(exclude=True, repr=False)
    runner: InstanceOf[Runner] = Field(exclude=True, repr=False)
    picture: bool = False
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    @classmethod
    def of(cls, skill: Skill, skills: Skills, runner: Runner, *, picture: bool = False) -> KosmosTool:
        """picture: the annotated picture goes with the text, as an image block."""
        return cls(
            name=skill.name,
            description=skill.description,
            args_schema=skill.arguments,
            tags=["kosmos", READ_ONLY if skill.read_only else MOTION],
            metadata={"title": skill.title, "read_only": skill.read_only},
            handle_tool_error=_told,
            handle_validation_error=lambda error: _coded(skill.refusal(error)),
            skill=skill,
            skills=skills,
            runner=runner,
            picture=picture,
        )

    def _run(self, *args: Any, run_manager: CallbackManagerForToolRun | None = None, **kwargs: Any) -> Answered:
        given = self._given(args, kwargs)
        return self.runner.run(lambda cancel: self._answered(given, cancel))

    async def _arun(
        self, *args: Any, run_manager: AsyncCallbackManagerForToolRun | None = None, **kwargs: Any
    ) -> Answered:
        given = self._given(args, kwargs)
        return await self.runner.arun(lambda cancel: self._answered(given, cancel))

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """A bare string, as in `tool.invoke("the red cup")`, is the first argument."""
        return dict(zip(self.skill.arguments.model_fields, args, strict=False)) | kwargs

    def _answered(self, given: dict[str, Any], cancel: CancelToken) -> Answered:
        """SkillToolError."""
        try:
            report = self.skill.call(self.skills, given, cancel=cancel, on_progress=progress_of(self.name))
            return content_of(self.skills, report, self.picture), report.model_dump(mode="json")
        except KosmosAgentError as error:
            raise SkillToolError(error.code, str(error)) from error
        except Exception as error:
            # A model or a driver may throw anything; the run outlives it, and the log holds where it came from.
            _log.exception("%s failed in a way that nobody foresaw", self.name)
            raise SkillToolError("other", f"{type(error).__name__}: {error}") from error


def kosmos_tools(
    *,
    camera: CameraSource,
    grounder: Grounder,
    planner: Planner | None = None,
    limits: Limits | None = None,
    picture: bool = False,
) -> list[BaseTool]:
    """Tools that look through `camera`; with a `planner` also those that move its arm. See `KosmosTool.of`."""
    return skill_tools(Skills(camera, grounder, planner, limits=limits), picture=picture)


def skill_tools(skills: Skills, *, picture: bool = False, runner: Runner | None = None) -> list[BaseTool]:
    """The same for skills that exist already; `runner`: threads to share with others."""
    runner = runner or Runner()
    return [
        KosmosTool.of(skill, skills, runner, picture=picture) for skill in SKILLS if skill.read_only or skills.can_move
    ]


def _told(error: ToolException) -> str:
    return str(error)[:_MAX_MESSAGE_CHARACTERS]


def _coded(error: KosmosAgentError) -> str:
    return f"{error.code}: {error}"[:_MAX_MESSAGE_CHARACTERS]
