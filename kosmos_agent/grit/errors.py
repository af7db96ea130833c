"""What can be wrong with one pair, which is set aside with the code and the message; the run goes on.

PipelineError alone ends it.
"""

from __future__ import annotations

from kosmos_agent.errors import KosmosAgentError


class InvalidRecordError(KosmosAgentError):
    """A sample or a row does not keep to the layout; the message names the field."""

    code = "invalid_record"


class InvalidCaptionError(KosmosAgentError):
    """The caption is missing, empty, too long, or outside of what the parser reads."""

    code = "invalid_caption"


class NothingGroundedError(KosmosAgentError):
    """No box of the pair is left: an answer of the recipe, counted like the failures."""

    code = "nothing_grounded"


class SplitTokenError(KosmosAgentError):
    """A span begins or ends where the tokenizer has no boundary (specification 5.3: such a pair is skipped)."""

    code = "split_token"


class KilledWorkerError(KosmosAgentError):
    """Processes were killed at this pair, again and again, and at no other."""

    code = "killed_worker"


class PipelineError(KosmosAgentError):
    """The run cannot go on, and not for the pairs' sake; shards that were finished are kept."""

    code = "pipeline_failed"
