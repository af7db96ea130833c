"""Whatever an arm or its client sends is taken as it is meant, or is a coded error with bounded words."""

import pytest

pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

from kosmos_interfaces.msg import Reason
from kosmos_ros.grasps import grasp_target, outcome_from_result
from kosmos_ros.reasons import MAX_MESSAGE_CHARACTERS, MAX_NAME_CHARACTERS, error_from_reason
from ros_wild import Wild

from kosmos_agent.errors import KosmosAgentError


@pytest.mark.parametrize("seed", range(4))
def test_an_arm_takes_a_thousand_wild_goals_without_an_error_of_another_kind(seed):
    wild, codes = Wild(seed), set()
    for _ in range(250):
        try:
            grasp_target(wild.grasp())
        except KosmosAgentError as error:
            codes.add(error.code)
    assert codes <= {"invalid_box", "invalid_argument", "invalid_phrase"}
    assert codes


@pytest.mark.parametrize("seed", range(4))
def test_its_client_takes_a_thousand_wild_results(seed):
    wild, ends, refusals = Wild(seed), set(), []
    for _ in range(250):
        try:
            ends.add(outcome_from_result(wild.grasp_result()).reason)
        except KosmosAgentError as error:
            refusals.append(error)
    assert "invalid_argument" in {error.code for error in refusals}
    assert all(len(error.code) <= MAX_NAME_CHARACTERS for error in refusals)
    assert all(len(str(error)) <= MAX_MESSAGE_CHARACTERS for error in refusals)
    assert ends <= {"done", "nothing_held", "slipped", "blocked", "timeout", "cancelled"}


def test_a_reason_without_a_usable_name_is_other():
    assert error_from_reason(Reason(code=1, name="\x07\n")).code == "other"
    assert error_from_reason(Reason(code=Reason.NONE, name="no_depth")) is None
