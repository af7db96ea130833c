"""The faces, each driven by one class: `opened(rig)` once, then `run(case)` for each case. A face more is a class more.

`missing`: why it cannot be driven on this machine, or None.
"""

import asyncio
import importlib.util
import threading
from contextlib import contextmanager

from cases import Outcome
from rig import WAIT_S

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.skills import skill_named

SKILL = "find_object"


def absent(*packages):
    """A reason to skip where one of the packages is not installed."""
    found = [name for name in packages if importlib.util.find_spec(name) is None]
    return f"{', '.join(found)} not installed" if found else None


class PythonFace:
    """`Skills`, called as a program calls them."""

    name, missing = "Python", None

    @contextmanager
    def opened(self, rig):
        self._rig = rig
        yield self

    def run(self, case):
        self._rig.begin(case)
        skills, token = self._rig.skills(), CancelToken()
        if case.stop == "cancel":
            threading.Thread(target=self._cancel, args=[token], daemon=True).start()
        try:
            report = skills.find_object(case.phrase, cancel=token)
        except KosmosAgentError as error:
            return Outcome.failed(error.code)
        return Outcome.reported(report.model_dump(mode="json"))

    def _cancel(self, token):
        self._rig.began.wait(WAIT_S)
        token.cancel()
        self._rig.release.set()


class CatalogueFace(PythonFace):
    """The catalogue's `Skill.call`, which checks arguments as they come from outside."""

    name = "catalogue"

    def run(self, case):
        self._rig.begin(case)
        skills, token = self._rig.skills(), CancelToken()
        if case.stop == "cancel":
            threading.Thread(target=self._cancel, args=[token], daemon=True).start()
        try:
            report = skill_named(SKILL).call(skills, {"phrase": case.phrase}, cancel=token)
        except KosmosAgentError as error:
            return Outcome.failed(error.code)
        return Outcome.reported(report.model_dump(mode="json"))


class LangChainFace:
    """The tool, awaited as an agent awaits it. A cancelled call ends by asyncio's own error, without a message."""

    name, missing = "LangChain", absent("langchain")

    @contextmanager
    def opened(self, rig):
        self._rig = rig
        yield self

    def run(self, case):
        self._rig.begin(case)
        return asyncio.run(self._called(case))

    async def _called(self, case):
        from langchain_kosmos.running import Runner
        from langchain_kosmos.tools import skill_tools

        runner = Runner()
        try:
            tool = next(tool for tool in skill_tools(self._rig.skills(), runner=runner) if tool.name == SKILL)
            call = {"type": "tool_call", "id": "1", "name": SKILL, "args": {"phrase": case.phrase}}
            task = asyncio.create_task(tool.ainvoke(call))
            if case.stop == "cancel":
                await asyncio.to_thread(self._rig.began.wait, WAIT_S)
                task.cancel()
                await asyncio.sleep(0.05)  # the task's own turn, in which it passes the cancel on
                self._rig.release.set()
            return self._outcome(await task)
        except asyncio.CancelledError:
            return Outcome.failed("cancelled")
        finally:
            runner.close()

    def _outcome(self, message):
        if message.status == "error":
            assert message.artifact is None
            return Outcome.failed(message.text.partition(":")[0])
        assert message.text.startswith(f"{message.artifact['status']}: ")
        return Outcome.reported(message.artifact)


class McpFace:
    """The MCP server, asked by the official client over a pair of streams in memory."""

    name, missing = "MCP", absent("mcp")

    @contextmanager
    def opened(self, rig):
        self._rig = rig
        yield self

    def run(self, case):
        self._rig.begin(case)
        return asyncio.run(self._called(case))

    async def _called(self, case):
        from kosmos_mcp import SkillServer
        from kosmos_mcp.sdk import protocol_server
        from mcp.shared.exceptions import McpError
        from mcp.shared.memory import create_connected_server_and_client_session

        server = SkillServer(self._rig.skills())
        try:
            async with create_connected_server_and_client_session(protocol_server(server)) as session:
                await session.list_tools()
                request_id = session._request_id  # the client has no name for the id that it will give
                task = asyncio.create_task(session.call_tool(SKILL, {"phrase": case.phrase}))
                if case.stop == "cancel":
                    await asyncio.to_thread(self._rig.began.wait, WAIT_S)
                    await self._cancel(session, request_id)
                try:
                    return self._outcome(await task)
                except McpError as error:
                    return Outcome.failed("cancelled" if "cancelled" in str(error) else str(error))
        finally:
            self._rig.release.set()
            server.close()

    async def _cancel(self, session, request_id):
        from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

        asked = CancelledNotification(
            method="notifications/cancelled", params=CancelledNotificationParams(requestId=request_id)
        )
        await session.send_notification(ClientNotification(asked))

    def _outcome(self, result):
        if result.isError:
            from kosmos_mcp.sdk import ERROR_KEY

            assert result.structuredContent is None
            return Outcome.failed(result.meta[ERROR_KEY]["code"])
        return Outcome.reported(result.structuredContent)
