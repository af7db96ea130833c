"""The HTTP face: a real server on loopback, asked by the client that robots use.

A request brings its picture along. So there is none where the camera has none, which the skills in front of the client
say, as they say that one is stale; everything else is the server's own.
"""

import threading
from contextlib import contextmanager

import numpy as np
from cases import Outcome
from faces import SKILL, absent
from rig import WAIT_S, ScriptedCamera

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.skills import Skills, skill_named


class HttpFace:
    """Skills over a `RemoteGrounder`; a cancel is heeded between two stages, as the answer is not written in tokens."""

    name, missing = "HTTP", absent("fastapi", "uvicorn", "httpx", "prometheus_client", "multipart")

    @contextmanager
    def opened(self, rig):
        from serving_engine import serving

        from kosmos_agent.remote import RemoteGrounder

        self._rig = rig
        with serving(RigEngine(rig)) as server, RemoteGrounder(server.url, timeout_s=WAIT_S) as self._grounder:
            yield self

    def run(self, case):
        self._rig.begin(case)
        skills = Skills(ScriptedCamera(self._rig), self._grounder, limits=self._rig.limits)
        token = CancelToken()
        if case.stop == "cancel":
            threading.Thread(target=self._cancel, args=[token], daemon=True).start()
        try:
            report = skill_named(SKILL).call(skills, {"phrase": case.phrase}, cancel=token)
        except KosmosAgentError as error:
            return Outcome.failed(error.code)
        return Outcome.reported(report.model_dump(mode="json"))

    def _cancel(self, token):
        self._rig.began.wait(WAIT_S)
        token.cancel()
        self._rig.release.set()


class RigEngine:
    """The rig's model behind the server: the real queue and thread over it."""

    def __init__(self, rig):
        from kosmos_agent.serving.local_engine import LocalEngine
        from kosmos_agent.serving.worker import Worker

        self._engine = LocalEngine(lambda: Worker(RigLooker(rig)))
        self.start, self.ask, self.close = self._engine.start, self._engine.ask, self._engine.close

    @property
    def ready(self):
        return self._engine.ready


class RigLooker:
    def __init__(self, rig):
        self._rig = rig

    def views(self, pictures):
        return [
            self._rig.grounder.view(np.asarray(item.rgb), stamp_ns=item.stamp_ns, frame_id=item.frame_id)
            for item in pictures
        ]

    def find(self, asked):
        return [[view.find(phrase) for phrase in phrases] for view, phrases, _ in asked]

    def write(self, view, ask, should_stop):
        return [view.find_each(phrase, should_stop=should_stop) for phrase in ask.phrases]
