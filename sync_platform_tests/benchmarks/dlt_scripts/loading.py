"""How the dlt scripts load: replace for whole tables, upsert for changes."""
# mypy: ignore-errors

import os

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt


def run(name, data, database, job, folder, file_format=None):
    # dlt wants a host in the address; libpq follows the socket's folder in the query all the same.
    database = database.replace("@/", "@localhost/")
    pipeline = dlt.pipeline(
        pipeline_name=name,
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(credentials=database),
        dataset_name=f"dlt_{name}",
    )
    if job == "incremental":
        pipeline.run(
            data,
            write_disposition={"disposition": "merge", "strategy": "upsert"},
            loader_file_format=file_format,
        )
        return
    pipeline.run(
        data,
        write_disposition="replace",
        loader_file_format=file_format,
        refresh="drop_data" if job == "full" else None,
    )
