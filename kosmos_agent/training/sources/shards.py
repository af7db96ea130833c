"""Random access to pictures with captions in shards (img2dataset: tar files, or folders of KEY.jpg, KEY.txt, KEY.json).

Shards come in a new order every epoch and are shuffled inside: neighbours in the stream share a shard, so that one
after another is read whole, not all at once.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

from kosmos_agent.errors import InvalidSampleError

T = TypeVar("T")
"""What a shard holds."""
_KEPT_SHARDS = 2
