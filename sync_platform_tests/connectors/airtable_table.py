"""A table of Airtable, as the tests of its connector have it."""

from sync_platform import spec
from sync_platform.connectors.airtable import discovered

MODIFIED = {
    "id": "fldM",
    "name": "Last Modified",
    "type": "lastModifiedTime",
    "options": {"isValid": True, "referencedFieldIds": []},
}
NAME = {"id": "fldN", "name": "Name", "type": "singleLineText"}


def table(modified: str | None = "fldM", deletions: bool = True) -> spec.ConnectorObject:
    about = {"base": "appB", "modified": modified, "deletions": deletions, "description": ""}
    return discovered(spec.Discovered(name="tasks", label="Tasks (B)", id="tblT", about=about))
