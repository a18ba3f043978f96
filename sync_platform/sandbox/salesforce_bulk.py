"""Salesforce's Bulk API 2.0 for queries: a job is asked for, worked on, and read as CSV.

As in the Bulk API 2.0 guide: POST /jobs/query with `operation` query or queryAll; states
UploadComplete, InProgress, JobComplete, Failed; results by `maxRecords` and `locator`, the next one
in the header Sforce-Locator, which says "null" at the end. No compound fields, no base64, no
aggregates, and some objects not at all. Moments end in Z there, unlike in REST.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.salesforce_errors import not_found, refusal
from sync_platform.sandbox.salesforce_kinds import COMPOUND
from sync_platform.sandbox.salesforce_org import ADMIN, Org, Record
from sync_platform.sandbox.salesforce_rest import ROOT, found_by
from sync_platform.sandbox.salesforce_soql import Query, moment, parsed

NOT_IN_BULK = ("TaskStatus", "Attachment")


@dataclass(kw_only=True)
class Job:
    id: str
    operation: str
    query: Query
    made: float
    looks: int  # so often it is still not done
    state: str = "UploadComplete"
    error: str = ""
    records: list[Record] | None = None

    def told(self, version: str) -> Json:
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.query.object.name,
            "createdById": ADMIN,
            "createdDate": moment(self.made),
            "systemModstamp": moment(self.made),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(version[1:]),
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }


@dataclass(kw_only=True)
class Bulk:
    """The jobs of an org. `looks` is how often a new job is asked for before it is done; `fails`
    is why the next ones fail, if they do; `most` the most records of one answer; `tells` whether
    answers say where the next one is."""

    org: Org
    looks: int = 1
    most: int = 50_000
    fails: str = ""
    tells: bool = True
    jobs: dict[str, Job]

    def endpoints(self) -> list[Endpoint]:
        at = f"{ROOT}/jobs/query"
        return [
            Endpoint("POST", at, self._ask),
            Endpoint("GET", f"{at}/{{job}}", self._look),
            Endpoint("GET", f"{at}/{{job}}/results", self._results),
            Endpoint("DELETE", f"{at}/{{job}}", self._forget),
        ]

    def _ask(self, call: Call) -> Response:
        asked = orjson.loads(call.body)
        if asked.get("operation") not in ("query", "queryAll"):
            raise refusal(400, "INVALIDJOB", "Operation should be query or queryAll.")
        query = parsed(asked["query"], self.org.objects)
        if query.object.name in NOT_IN_BULK:
            said = f"Entity '{query.object.name}' is not supported to use PKChunking."
            raise refusal(400, "INVALIDENTITY", said)
        wrong = [it.name for it in query.fields if it.type in (*COMPOUND, "base64")]
        if wrong or query.counts:
            what = f"field {wrong[0]}" if wrong else "aggregate relationships"
            raise refusal(400, "FEATURENOTENABLED", f"Selecting {what} is not supported in Bulk.")
        job = Job(
            id=f"750Sb{len(self.jobs):010d}AAA",
            operation=asked["operation"],
            query=query,
            made=self.org.clock(),
            looks=self.looks,
            error=self.fails,
        )
        self.jobs[job.id] = job
        return answer(job.told(call.places["version"]))

    def _job(self, call: Call) -> Job:
        job = self.jobs.get(call.places["job"])
        if job is None:
            raise not_found()
        return job

    def _look(self, call: Call) -> Response:
        job = self._job(call)
        if job.looks > 0:
            job.looks -= 1
            job.state = "InProgress"
        elif job.state not in ("JobComplete", "Failed"):
            job.state = "Failed" if job.error else "JobComplete"
            job.records = found_by(self.org, job.query, deleted=job.operation == "queryAll")
        more: Json = {"errorMessage": job.error} if job.state == "Failed" else {}
        if job.state == "JobComplete":
            more = {"numberRecordsProcessed": len(job.records or ()), "retries": 0,
                    "totalProcessingTime": 100}  # fmt: skip
        return answer(job.told(call.places["version"]) | {"jobType": "V2Query", **more})

    def _results(self, call: Call) -> Response:
        job = self._job(call)
        if job.state != "JobComplete" or job.records is None:
            said = f"The job is {job.state}; its results cannot be read."
            raise refusal(400, "INVALIDJOBSTATE", said)
        start = _number(call.first("locator", "MA"))
        size = min(int(call.first("maxRecords", str(self.most))), self.most)
        page = job.records[start : start + size]
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        names = [it.name for it in job.query.fields]
        writer.writerow(names)
        writer.writerows([_cell(record[name]) for name in names] for record in page)
        last = start + size >= len(job.records)
        headers = {"Sforce-NumberOfRecords": str(len(page))}
        if self.tells:
            headers["Sforce-Locator"] = "null" if last else _locator(start + size)
        return Response(text.getvalue(), headers=headers, media_type="text/csv;charset=UTF-8")

    def _forget(self, call: Call) -> Response:
        self.jobs.pop(self._job(call).id)
        return Response(status_code=204)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    text = str(value)
    return text.removesuffix("+0000") + "Z" if text.endswith(".000+0000") else text


def _locator(start: int) -> str:
    return f"M{start}"


def _number(locator: str) -> int:
    number = locator[1:]
    if locator != "MA" and not number.isdecimal():
        raise refusal(400, "INVALID_LOCATOR", "The locator is not one of this job.")
    return int(number) if number.isdecimal() else 0
