"""What `ros up` does: the graph that a user wishes for, started and kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from kosmos_ros.errors import ProcessEndedError
from kosmos_ros.graph import Graph, camera_graph, simulated_graph
from kosmos_ros.readiness import until_seeing
from kosmos_ros.running import RunningGraph, running

from kosmos_agent.errors import InvalidArgumentError, NoImageError


@dataclass(frozen=True)
class Wishes:
    """The options of `ros up`. seed: of the simulation alone. phrases: standing queries."""

    simulated: bool = False
    seed: int | None = None
    phrases: tuple[str, ...] = ()
    remaps: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    model: str = "tabletop"


def wished_graph(wishes: Wishes) -> Graph:
    """InvalidArgumentError says what is wrong with them, before anything is started."""
    if wishes.seed is not None and not wishes.simulated:
        raise InvalidArgumentError("--seed lays a simulated table; valid: together with --sim")
    graph = simulated_graph(wishes.seed) if wishes.simulated else camera_graph()
    if wishes.model != "tabletop":
        graph = graph.with_values("grounding", {"model_path": wishes.model})
    if wishes.phrases:
        graph = graph.with_values("grounding", {"phrases": wishes.phrases})
    return graph.with_parameters(wishes.parameters).with_remaps(wishes.remaps)


def keep_up(wishes: Wishes, say: Callable[[str], object], *, domain_id: int | None, restart: bool) -> bool:
    """Until Ctrl-C or SIGTERM: True. False: a node ended for good. Errors of the start pass through."""
    graph, said = wished_graph(wishes), threading.Lock()

    def tell(line: str) -> None:
        with said:
            say(line)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(graph, tell, domain_id=domain_id, restart=restart) as started:
            started.until_ready()
            if wishes.simulated:
                _wait_for_sight(started, tell)
            names = ", ".join(spec.full_name for spec in graph.nodes)
            tell(f"up: {names}; domain {started.session.node.context.get_domain_id()}; Ctrl-C ends it")
            started.watch()
    except KeyboardInterrupt:
        tell("down")
    except ProcessEndedError as error:
        tell(f"down: {error}")
        return False
    return True


def _wait_for_sight(started: RunningGraph, tell: Callable[[str], None]) -> None:
    """A user may have remapped the pictures away on purpose: that is said, and the graph stays up."""
    node = started.graph.node("grounding")
    try:
        until_seeing(started.session, node.full_name, unless=started.alive(node.name))
    except NoImageError as error:
        tell(f"{node.name}: {error}")
