"""What an object and a field of the sandbox org are, as lists and describe calls tell them.

Field types and flags are those of Salesforce's Object Reference (Field Types) and its describe
results; the keys of a described field and object are those of restforce's recorded describe.
"""

from dataclasses import dataclass, field

from sync_platform.sandbox.calls import Json

SOAP = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int",
    "double": "xsd:double", "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date",
    "datetime": "xsd:dateTime", "time": "xsd:time", "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType", "address": "urn:address", "location": "urn:location",
}  # fmt: skip
COMPOUND = ("address", "location")


@dataclass(frozen=True, kw_only=True)
class SField:
    """A field. `flags`: r read only, c calculated, a auto number, x external id, n not null."""

    name: str
    type: str = "string"
    label: str = ""
    flags: str = ""
    compound: str | None = None  # the compound field that it is a part of
    to: str = ""  # what a reference points to
    values: tuple[str, ...] = ()

    def has(self, flag: str) -> bool:
        return flag in self.flags

    @property
    def writable(self) -> bool:
        return not set("rca") & set(self.flags) and self.type not in (*COMPOUND, "id")

    def described(self) -> Json:
        return {
            "name": self.name,
            "type": self.type,
            "label": self.label,
            "length": 18 if self.type in ("id", "reference") else 255,
            "byteLength": 18 if self.type in ("id", "reference") else 765,
            "autoNumber": self.has("a"),
            "calculated": self.has("c"),
            "calculatedFormula": None,
            "caseSensitive": False,
            "compoundFieldName": self.compound,
            "controllerName": None,
            "createable": self.writable,
            "custom": self.name.endswith("__c"),
            "defaultValue": None,
            "defaultValueFormula": None,
            "defaultedOnCreate": False,
            "dependentPicklist": False,
            "deprecatedAndHidden": False,
            "digits": 0,
            "externalId": self.has("x"),
            "filterable": self.type not in ("textarea", "base64", *COMPOUND),
            "groupable": self.type in ("string", "reference", "picklist"),
            "htmlFormatted": False,
            "idLookup": self.type == "id" or self.has("x"),
            "inlineHelpText": None,
            "nameField": self.name == "Name",
            "namePointing": False,
            "nillable": not self.has("n") and self.type != "id",
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": it, "validFor": None, "value": it}
                for it in self.values
            ],
            "precision": 0,
            "referenceTo": [self.to] if self.to else [],
            "relationshipName": None,
            "relationshipOrder": None,
            "restrictedPicklist": False,
            "scale": 0,
            "soapType": SOAP.get(self.type, "xsd:string"),
            "sortable": self.type not in ("textarea", "base64", *COMPOUND),
            "unique": self.has("x"),
            "updateable": self.writable,
            "writeRequiresMasterRead": False,
        }


@dataclass(kw_only=True)
class SObject:
    """An object of the org. `flags`: q queryable, r replicateable, w writable, d deletable,
    h deprecated and hidden."""

    name: str
    label: str
    prefix: str | None
    fields: dict[str, SField] = field(default_factory=dict)
    flags: str = "qrwd"

    def listed(self, version: str) -> Json:
        """As the list of all objects has it."""
        at = f"/services/data/{version}/sobjects/{self.name}"
        writes, deletes = "w" in self.flags, "d" in self.flags
        return {
            "name": self.name,
            "label": self.label,
            "labelPlural": self.label if self.label.endswith("s") else f"{self.label}s",
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "customSetting": False,
            "activateable": False,
            "createable": writes,
            "deletable": deletes,
            "deprecatedAndHidden": "h" in self.flags,
            "feedEnabled": False,
            "layoutable": True,
            "mergeable": False,
            "queryable": "q" in self.flags,
            "replicateable": "r" in self.flags,
            "retrieveable": "q" in self.flags,
            "searchable": True,
            "triggerable": True,
            "undeletable": deletes,
            "updateable": writes,
            "urls": {"sobject": at, "describe": f"{at}/describe", "rowTemplate": f"{at}/{{ID}}"},
        }

    def described(self, version: str) -> Json:
        """As its own describe has it."""
        lists = ("childRelationships", "recordTypeInfos")
        at = "https://acme.my.salesforce.com"
        pages = {
            "uiEditTemplate": f"{at}/{{ID}}/e",
            "uiDetailTemplate": f"{at}/{{ID}}",
            "uiNewRecord": f"{at}/{self.prefix}/e",
        }
        listed = self.listed(version)
        return {
            **listed,
            "urls": {**listed["urls"], **pages},
            **{name: [] for name in lists},
            "listviewable": None,
            "lookupLayoutable": None,
            "searchLayoutable": True,
            "fields": [it.described() for it in self.fields.values()],
        }


def fields_of(written: str) -> dict[str, SField]:
    """Fields out of lines of `Name type flags >Target =value|value part-of:Compound`."""
    found = {}
    for line in filter(None, map(str.strip, written.split("\n"))):
        name, type_, *more = line.split()
        values = next((it[1:] for it in more if it.startswith("=")), "").replace("_", " ")
        label = "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(name[:40]))
        found[name] = SField(
            name=name,
            type=type_,
            label=label.replace("__c", "").replace("_", " ").strip(),
            flags=next((it[1:] for it in more if it.startswith("-")), ""),
            compound=next((it[1:] for it in more if it.startswith("@")), None),
            to=next((it[1:] for it in more if it.startswith(">")), ""),
            values=tuple(values.split("|")) if values else (),
        )
    return found
