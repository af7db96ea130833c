"""A graph that runs: its processes, and a session among them that makes the lifecycle nodes active."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from kosmos_agent.errors import GoalTimeoutError
from kosmos_ros import environment
from kosmos_ros.environment import DiscoveryRange
from kosmos_ros.errors import LifecycleError, NoServerError, ProcessEndedError
from kosmos_ros.graph import Graph, NodeSpec
from kosmos_ros.lifecycle import bring_up
from kosmos_ros.processes import Event, Processes, Program, Say
from kosmos_ros.session import Session, Unless, open_session

APPEAR_TIMEOUT_S = 60.0
"""From the start of a process to its node in the graph: importing torch takes most of it."""


class RunningGraph:
    """restart: whether what dies is started again; then its lifecycle is brought up again too."""

    def __init__(self, graph: Graph, processes: Processes, session: Session, say: Say, *, restart: bool) -> None:
        self.graph, self.processes, self.session = graph, processes, session
        self._say, self._restart = say, restart

    def until_ready(self) -> None:
        """Returns once each node is in the graph, the lifecycle ones active.

        ProcessEndedError: one ended for good. NoServerError, LifecycleError: one does not come up.
        """
        waiting = {spec.name for spec in self.graph.nodes}
        while waiting:
            event = self.processes.event(APPEAR_TIMEOUT_S)
            if event is None:
                raise NoServerError(f"{', '.join(sorted(waiting))}: not started within {APPEAR_TIMEOUT_S:g} s")
            if self._done(event):
                waiting.discard(event.name)

    def watch(self) -> NoReturn:
        """Never returns: ProcessEndedError once a node ended for good. Others are brought up as they are restarted."""
        while True:
            event = self.processes.event()
            if event is not None:
                self._done(event)

    def alive(self, *names: str) -> Unless:
        """For waits on these nodes (none: all): they are no use once one of them is another process, or any node of the
        graph has ended for good."""
        pids = {name: self.processes.pid(name) for name in names or [spec.name for spec in self.graph.nodes]}

        def reason() -> str | None:
            for name, words in self.processes.ended.items():
                return f"{name} {words}"
            gone = [name for name, pid in pids.items() if pid is None or self.processes.pid(name) != pid]
            return f"{', '.join(gone)} ended; its output says why" if gone else None

        return reason

    def _done(self, event: Event) -> bool:
        """Whether a node is ready now; one that died on the way and will be started again is not."""
        if event.kind == "ended":
            raise ProcessEndedError(f"{event.name} {event.words}")
        spec = self.graph.node(event.name)
        try:
            self._bring_up(spec)
        except (ProcessEndedError, NoServerError, LifecycleError, GoalTimeoutError) as error:
            # Whoever watches a robot goes on; whoever starts one wants to know.
            if not (self._restart or isinstance(error, ProcessEndedError)):
                raise
            self._say(f"{spec.name}: {error}")
            return False
        return True

    def _bring_up(self, spec: NodeSpec) -> None:
        alive = self.alive(spec.name)
        if spec.lifecycle:
            bring_up(self.session, spec.full_name, server_timeout_s=APPEAR_TIMEOUT_S, unless=alive)
            self._say(f"{spec.name}: active")
        elif not self.session.until(lambda: self._is_there(spec), APPEAR_TIMEOUT_S, alive):
            raise NoServerError(f"{spec.full_name} is not in the graph after {APPEAR_TIMEOUT_S:g} s")

    def _is_there(self, spec: NodeSpec) -> bool:
        names = self.session.node.get_node_names_and_namespaces()
        return (spec.name, spec.namespace) in names


@contextmanager
def running(
    graph: Graph,
    say: Say,
    *,
    domain_id: int | None = None,
    discovery: DiscoveryRange | None = None,
    restart: bool = False,
) -> Iterator[RunningGraph]:
    """Starts it, and ends it when left. Errors as of `environment.for_process`.

    Meanwhile this process's own environment is that of the nodes, so that its session meets them.
    """
    variables = environment.for_process(domain_id=domain_id, discovery=discovery)
    programs = [Program.of(spec) for spec in graph.nodes]
    with (
        environment.applied(variables),
        Processes(programs, variables, say, restart=restart) as processes,
        open_session(domain_id) as session,
    ):
        yield RunningGraph(graph, processes, session, say, restart=restart)
