"""Where things are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "KOSMOS_AGENT_CACHE"


def cache_folder() -> Path:
    """$KOSMOS_AGENT_CACHE, else kosmos-agent in $XDG_CACHE_HOME or ~/.cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kosmos-agent"
