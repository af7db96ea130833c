"""What one pair may do to a run: it is set aside for an error that nobody foresaw and for killing its process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grit.attempts import Attempts
from kosmos_agent.grit.errors import KilledWorkerError, PipelineError
from kosmos_agent.grit.rejects import Reject

MOST_DEATHS = 2
"""Once may be chance: a machine that goes away, memory that others took."""
Done = TypeVar("Done")


class Guard:
    """Of one stage in one process.

    probe: the stage's work on what nothing is wrong with. Where that fails too, the fault is not the pair's, and
    PipelineError ends the run before it sets aside pair after pair.
    """

    def __init__(self, attempts: Attempts, stage: str, probe: Callable[[], object] | None = None) -> None:
        self.stage = stage
        self._attempts, self._probe = attempts, probe

    def run(self, shard: str, index: int, key: str, work: Callable[[], Done]) -> Done | Reject:
        """What `work` gives, or why the pair `index` of the shard is set aside."""
        name = f"{index}.{self.stage}"
        try:
            self._refuse_killer(shard, name, key)
            with self._attempts.mark(shard, name, key):
                return work()
        except (PipelineError, KeyboardInterrupt, SystemExit):
            raise
        except KosmosAgentError as error:
            return Reject.of(key, self.stage, error)
        except BaseException as error:  # noqa: BLE001 - a panic of a library in Rust is no Exception
            self._require_working(f"{key} failed with {type(error).__name__}: {error}")
            return Reject.of(key, self.stage, error)

    def _refuse_killer(self, shard: str, name: str, key: str) -> None:
        """KilledWorkerError for a pair at which processes end, PipelineError where they end without it too."""
        if self._attempts.deaths(shard, name, key) < MOST_DEATHS:
            return
        probing = f"{name}.probe"
        if self._attempts.deaths(shard, probing, key):
            self._attempts.forget(shard)  # the next run, by then repaired, is to try all of them again
            raise PipelineError(self._not_the_pairs(f"the process ended at {key}", "the process ended there"))
        with self._attempts.mark(shard, probing, key):
            self._require_working(f"the process ended at {key}")
        raise KilledWorkerError(
            f"the process ended {MOST_DEATHS} times at this pair (killed, crashed, no memory left), not at a plain one"
        )

    def _require_working(self, happened: str) -> None:
        if self._probe is None:
            return
        try:
            self._probe()
        except (KeyboardInterrupt, SystemExit):
            raise
        except KosmosAgentError:
            return  # an answer in words: whoever gives it works
        except BaseException as error:
            raise PipelineError(self._not_the_pairs(happened, f"{type(error).__name__}: {error}")) from error

    def _not_the_pairs(self, happened: str, probed: str) -> str:
        return (
            f"in stage {self.stage!r} {happened}, and a plain pair fails there as well ({probed}); "
            "shards that were finished are kept"
        )
