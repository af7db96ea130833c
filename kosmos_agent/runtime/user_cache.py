"""Exports made on first use, in the user's cache: one for each checkpoint and version, the oldest go."""

from __future__ import annotations

import shutil
from pathlib import Path

from kosmos_agent.export.manifest import MANIFEST_FILE

MOST_EXPORTS = 4


def forget_oldest(folder: Path, keep: Path, most: int = MOST_EXPORTS) -> None:
    """Removes the exports in `folder` that were used longest ago, until `most` are left; never `keep`."""
    exports = [path.parent for path in folder.glob(f"*/{MANIFEST_FILE}") if path.parent != keep]
    exports.sort(key=lambda path: (path / MANIFEST_FILE).stat().st_mtime_ns, reverse=True)
    for path in exports[most - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
