"""The code that the documents show."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def code_in(page: str) -> str:
    """The first block of Python in a page of the documents: a whole file."""
    code, *_ = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.M)
    return str(code)
