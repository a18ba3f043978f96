"""A believable Airtable account, and the life in it: two bases, of which one has a table that tells
nothing of its changes, and both have one called People."""

from typing import Any

from sync_platform.sandbox.airtable_bases import USERS, Base, Field, Record, Table, Workspace, iso
from sync_platform.sandbox.airtable_changes import Transaction
from sync_platform.sandbox.airtable_kinds import NUMBERS, TEXTS
from sync_platform.sandbox.calls import Json

A_DAY = 86_400_000  # ms
MODIFIED: Json = {"isValid": True, "referencedFieldIds": [], "result": {"type": "dateTime"}}
FIRST = ("Ada", "Grace", "Alan", "Zoë", "Linus", "Katherine", "Edsger", "Radia", "Barbara", "Ken")
LAST = ("Byron", "Hopper", "Kay", "O'Hara", "Meyer", "Johnson", "Müller", "Perlman", "Liskov")
VERBS = ("Draft", "Review", "Ship", "Plan", "Fix", "Test", "Measure", "Rewrite")
THINGS = ("the pricing page", "onboarding", "exports", "the API", "search", "billing", "the app")


def furnish(workspace: Workspace, records: int) -> None:
    """The two bases, with so many tasks, and fewer of everything else."""
    roadmap, office = workspace.add_base("Product Roadmap"), workspace.add_base("Office", "edit")
    people = workspace.add_table(
        roadmap,
        "People",
        [
            ("Name", "singleLineText", None),
            ("Email", "email", None),
            ("Team", "singleSelect", {"choices": ["Design", "Engineering", "Sales"]}),
            ("Joined", "date", {"dateFormat": {"name": "iso", "format": "YYYY-MM-DD"}}),
            ("Last Modified", "lastModifiedTime", MODIFIED),
        ],
    )
    projects = workspace.add_table(
        roadmap,
        "Projects",
        [
            ("Name", "singleLineText", None),
            ("Status", "singleSelect", {"choices": ["Planned", "Under way", "Done"]}),
            ("Owner", "singleCollaborator", None),
            ("Budget", "currency", {"precision": 2, "symbol": "€"}),
            ("Notes", "multilineText", None),
            ("Last Modified", "lastModifiedTime", MODIFIED),
        ],
    )
    tasks = workspace.add_table(roadmap, "Tasks", _of_tasks())
    _lookups(workspace, roadmap, projects, tasks)
    inventory = workspace.add_table(
        office,
        "Inventory",
        [
            ("Item", "singleLineText", None),
            ("Quantity", "number", {"precision": 0}),
            ("Value", "currency", {"precision": 2, "symbol": "€"}),
            ("Bought", "date", None),
        ],
    )
    guests = workspace.add_table(
        office, "People", [("Name", "singleLineText", None), ("Phone", "phoneNumber", None)]
    )
    shares = ((people, 10), (projects, 8), (tasks, 1), (inventory, 5), (guests, 12))
    for table, share in shares:
        base = office if table in office.tables else roadmap
        grow(workspace, base, table, -(-records // share), over=365 * A_DAY)


def _of_tasks() -> list[tuple[str, str, Json | None]]:
    choices = ["Low", "Normal", "High"]
    labels = ["bug", "design", "docs", "idea"]
    formula = "IF({Done}, 0, {Estimate} * (1 - {Complete}))"
    return [
        ("Name", "singleLineText", None),
        ("Done", "checkbox", {"icon": "check", "color": "greenBright"}),
        ("Priority", "singleSelect", {"choices": choices}),
        ("Labels", "multipleSelects", {"choices": labels}),
        ("Estimate", "number", {"precision": 1}),
        ("Complete", "percent", {"precision": 0}),
        ("Spent", "duration", {"durationFormat": "h:mm"}),
        ("Stars", "rating", {"icon": "star", "max": 5, "color": "yellowBright"}),
        ("Due", "date", {"dateFormat": {"name": "iso", "format": "YYYY-MM-DD"}}),
        ("Reviewed at", "dateTime", {"timeZone": "client"}),
        ("Notes", "richText", None),
        ("Watchers", "multipleCollaborators", None),
        ("Files", "multipleAttachments", {"isReversed": False}),
        ("Code", "barcode", None),
        ("Assignee", "multipleRecordLinks", {"to": "People"}),
        ("Project", "multipleRecordLinks", {"to": "Projects"}),
        (
            "Remaining",
            "formula",
            {"isValid": True, "formula": formula, "result": {"type": "number"}},
        ),
        ("Number", "autoNumber", None),
        ("Created", "createdTime", {"result": {"type": "dateTime"}}),
        ("Created by", "createdBy", None),
        ("Last Modified", "lastModifiedTime", MODIFIED),
        ("Last modified by", "lastModifiedBy", None),
        ("Open", "button", None),
        ("Summary", "aiText", {"prompt": [], "referencedFieldIds": []}),
    ]


def _lookups(workspace: Workspace, base: Base, projects: Table, tasks: Table) -> None:
    """What each side of a link computes of the other."""
    project, estimate = tasks.named()["Project"], tasks.named()["Estimate"]
    status, back = projects.named()["Status"], projects.named()["Tasks"]
    looked_up = {"recordLinkFieldId": project, "fieldIdInLinkedTable": status, "isValid": True}
    workspace.add_field(base, tasks, "Project status", "multipleLookupValues", looked_up)
    summed = {"recordLinkFieldId": back, "fieldIdInLinkedTable": estimate, "isValid": True}
    summed["result"] = {"type": "number", "options": {"precision": 1}}
    workspace.add_field(base, projects, "Estimated", "rollup", summed)
    counted = {"recordLinkFieldId": back, "isValid": True}
    workspace.add_field(base, projects, "Task count", "count", counted)


def grow(workspace: Workspace, base: Base, table: Table, count: int, over: int = 0) -> list[Record]:
    """Invented records, made at random moments of the last `over` ms; oldest first."""
    now = workspace.now()
    moments = sorted(now - int(workspace.rng.random() * over) for _ in range(count))
    made = []
    for at in moments:
        doing = Transaction(workspace, base, by=_user(workspace), source="client", at=at)
        made.append(doing.create(table, invented(workspace, table)))
        doing.commit()
    return made


def change(
    workspace: Workspace, base: Base, table: Table, creates: int, updates: int, archives: int
) -> dict[str, list[str]]:
    """Changes at random; the ids of the records that were created, updated and deleted."""
    created = [it.id for it in grow(workspace, base, table, creates)]
    old = [it for it in table.records.values() if it.id not in created]
    chosen = workspace.rng.sample(old, min(len(old), updates + archives))
    for record in chosen[:updates]:
        doing = Transaction(workspace, base, by=_user(workspace), source="client")
        doing.edit(table, record, renewed(workspace, table, record))
        doing.commit()
    for record in chosen[updates:]:
        doing = Transaction(workspace, base, by=_user(workspace), source="client")
        doing.delete(table, record)
        doing.commit()
    return {
        "created": created,
        "updated": [it.id for it in chosen[:updates]],
        "archived": [it.id for it in chosen[updates:]],
    }


def live(workspace: Workspace) -> None:
    """A moment in the life of the account."""
    for base, table in workspace.tables():
        if table.records and workspace.rng.random() < 0.5:
            archives = int(workspace.rng.random() < 0.2)
            change(workspace, base, table, workspace.rng.randint(0, 1), 2, archives)


def invented(workspace: Workspace, table: Table) -> dict[str, Any]:
    """Cells of a new record; some stay empty."""
    rng = workspace.rng
    cells = {}
    for place, field in enumerate(table.fields):
        if not field.computed and (place == 0 or rng.random() < 0.75):
            value = _value(workspace, table, field)
            if value not in (None, [], False):
                cells[field.id] = value
    return cells


def renewed(workspace: Workspace, table: Table, record: Record) -> dict[str, Any]:
    """Two cells with other values than they have."""
    writable = [it for it in table.fields if not it.computed]
    cells = {}
    for field in workspace.rng.sample(writable, min(2, len(writable))):
        cells[field.id] = _value(workspace, table, field) or None
    first = table.fields[0].id
    cells[first] = f"{str(record.cells.get(first, '')).split(' #')[0]} #{workspace.changes}"
    return cells


def _value(workspace: Workspace, table: Table, field: Field) -> Any:
    rng = workspace.rng
    match field.type:
        case "email":
            return f"{rng.choice(LAST).lower()}{rng.randint(1, 999)}@example.com"
        case "url":
            return f"https://example.com/{rng.randint(1, 9999)}"
        case "phoneNumber":
            return f"+49 30 {rng.randint(100_000, 999_999)}"
        case "rating":
            return rng.randint(1, 5)
        case "percent":
            return rng.randint(0, 20) / 20
        case "checkbox":
            return rng.random() < 0.5
        case "date":
            return iso(workspace.now() - rng.randint(0, 400) * A_DAY)[:10]
        case "dateTime":
            return iso(workspace.now() - rng.randint(0, 400 * A_DAY))
        case "singleSelect":
            return rng.choice(field.choices())
        case "multipleSelects":
            return rng.sample(field.choices(), rng.randint(1, len(field.choices())))
        case "singleCollaborator":
            return dict(USERS[_user(workspace)])
        case "multipleCollaborators":
            return [dict(USERS[it]) for it in rng.sample(list(USERS), 2)]
        case "multipleRecordLinks":
            there = list(workspace.linked(field).records)
            return rng.sample(there, 1) if there else None
        case "multipleAttachments":
            name = f"brief-{rng.randint(1, 99)}.pdf"
            file = {"id": workspace.id("att"), "filename": name, "type": "application/pdf"}
            return [file | {"size": rng.randint(10_000, 900_000)}]
        case "barcode":
            return {"text": str(rng.randint(10**12, 10**13 - 1)), "type": "ean13"}
    if field.type in NUMBERS:
        return rng.randint(1, 400) / (1 if field.type == "duration" else 2)
    assert field.type in TEXTS, field.type
    if table.name == "People":
        return f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    return f"{rng.choice(VERBS)} {rng.choice(THINGS)}"


def _user(workspace: Workspace) -> str:
    return workspace.rng.choice(list(USERS))
