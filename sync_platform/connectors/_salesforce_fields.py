"""The fields of Salesforce's objects, as describe tells them: their types, what is left out, and
which may stand for a record's id."""

import re
from collections.abc import Iterator, Mapping, Sequence

from sync_platform import spec
from sync_platform.connectors._salesforce_reads import described
from sync_platform.errors import ConfigurationError, NotPermitted, UnexpectedResponse

TYPES: Mapping[str, spec.FieldType] = {
    "id": "text", "reference": "text", "string": "text", "textarea": "text", "email": "text",
    "phone": "text", "url": "text", "picklist": "text", "combobox": "text",
    "multipicklist": "text",  # a;b;c
    "encryptedstring": "text", "time": "text", "anyType": "text", "json": "text",
    "boolean": "boolean", "int": "integer", "long": "integer", "double": "number",
    "currency": "number", "percent": "number", "date": "date", "datetime": "timestamp",
    "complexvalue": "json",
}  # fmt: skip
NOT_SHOWN = re.compile(r'"errorCode"\s*:\s*"NOT_FOUND"')  # Salesforce's word, not a proxy's
LEFT_OUT = {"address": "in its parts", "location": "in its parts", "base64": "a file"}


def fields(api: spec.Api, sobject: str) -> Iterator[spec.Field]:
    """What describe tells of an object's fields; raises NotPermitted where it is not shown."""
    try:
        told = described(api, sobject)
    except UnexpectedResponse as error:
        if not (
            error.evidence.get("status") == 404
            and NOT_SHOWN.search(str(error.evidence.get("body")))
        ):
            raise
        raise NotPermitted(
            f"Salesforce does not show {sobject} to this account: it may not read "
            "it, or it is not there any more. Let an admin of the org give its user that right.",
            evidence=error.evidence,
        ) from error
    listed = [it for it in told if not it.get("deprecatedAndHidden")]
    left = [f"{it['name']} ({LEFT_OUT[it['type']]})" for it in listed if it["type"] in LEFT_OUT]
    for it in listed:
        if it["type"] in LEFT_OUT:
            continue
        said = it.get("inlineHelpText") or None
        if it["name"] == "Id" and left:
            said = f"Not synced: {', '.join(left)}."
        yield spec.Field(
            it["name"],
            TYPES.get(it["type"], "text"),
            read_only=not (it.get("createable") or it.get("updateable")),
            label=it.get("label"),
            description=said,
            computed=bool(it.get("calculated")),
        )


def external_ids(written: str) -> dict[str, str]:
    """`Contact.Number__c, Invoice__c.Number__c` by object."""
    pairs = [each.strip().partition(".") for each in written.split(",") if each.strip()]
    wrong = [it for it in pairs if not (it[0].isidentifier() and it[2].isidentifier())]
    if wrong:
        raise ConfigurationError(
            f"The setting external_ids holds {''.join(wrong[0])!r}. Each must be an object and one "
            "of its fields, as Contact.Number__c, with commas between."
        )
    return {sobject: name for sobject, _, name in pairs}


def check_external_id(api: spec.Api, sobject: str, name: str, objects: Sequence[str]) -> None:
    """Raises ConfigurationError where the setting external_ids names what cannot be one."""
    if sobject not in objects:
        raise ConfigurationError(
            f"The setting external_ids names the object {sobject!r}, which this org does not have "
            "or does not show to this account. Write its API name, as Setup > Object Manager has "
            "it, such as Contact or Invoice__c."
        )
    told = described(api, sobject)
    usable = [it["name"] for it in told if (it.get("externalId") or it.get("idLookup"))]
    if name not in usable:
        others = ", ".join(each for each in usable if each != "Id") or "none"
        raise ConfigurationError(
            f"The setting external_ids names {sobject}.{name}, which finds no record by itself. "
            f"Fields of {sobject} that do: {others}. In Salesforce, mark the field as an external "
            "id and as unique, or choose another."
        )
