"""Generated tables inside pages that people write: each stands between two marks, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping

from kosmos_agent.errors import InvalidArgumentError


def filled(text: str, tables: Mapping[str, str]) -> str:
    """`text` with each table between `<!-- NAME -->` and `<!-- end of NAME -->`.

    InvalidArgumentError where a mark is missing or stands twice.
    """
    for name, table in tables.items():
        first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if (text.count(first), text.count(last)) != (1, 1):
            raise InvalidArgumentError(f"the page wants each of the marks {first.strip()} and {last}; valid: one")
        before, _, rest = text.partition(first)
        text = f"{before}{first}\n{table}\n\n{last}{rest.partition(last)[2]}"
    return text
