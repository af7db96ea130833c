"""The pick node between a scripted grounding node and a scripted arm, all spinning."""

from contextlib import contextmanager

from kosmos_interfaces.msg import TargetEvent
from kosmos_ros.pick_node import PickNode
from rclpy.parameter import Parameter
from ros_pick_peers import Client, ScriptedArm, ScriptedGrounding, Seen, spinning, until

REMAPS = ["ground:=/grounding/ground", "grasp:=/sim/grasp", "target_events:=/grounding/target_events"]
ARGUMENTS = ["--ros-args", *(word for rule in REMAPS for word in ("-r", rule))]


class Scene:
    """eyes: None where another process is the grounding node."""

    def __init__(self, context, *, with_eyes=True, **values):
        self.eyes, self.arm = ScriptedGrounding(context) if with_eyes else None, ScriptedArm(context)
        values = {"answer_timeout_sec": 20.0, **values}
        self.pick = PickNode(
            context=context,
            cli_args=ARGUMENTS,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        self.client = Client(context)

    def reset(self):
        self.eyes.script, self.eyes.asked, self.eyes.cancelled, self.eyes.reject = [Seen()], [], 0, 0
        self.arm.reset()
        self.pick.book.clear()


@contextmanager
def scene_of(context, **options):
    scene = Scene(context, **options)
    eyes = () if scene.eyes is None else (scene.eyes.node,)
    with spinning(context, *eyes, scene.arm.node, scene.pick, scene.client.node):
        until(scene.client.action.server_is_ready)
        if scene.eyes is not None:
            until(lambda: scene.eyes.events.get_subscription_count() == 1)
        until(lambda: all(item.get_publisher_count() for item in scene.client.subscriptions))
        yield scene


def at(x, **options):
    """Seen at this x, metres."""
    return Seen(places=((x, 0.0, 0.05),), **options)


def appeared(scene, track_id, **options):
    """Tells of a target, and waits until the pick node knows it."""
    scene.eyes.tell(TargetEvent.APPEARED, track_id, **options)
    until(lambda: track_id in scene.pick.book._targets)
