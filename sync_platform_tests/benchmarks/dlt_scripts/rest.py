"""dlt's own rest_api source, tuned: csv instead of INSERTs, larger buffers, no child tables.

python rest.py DATABASE_URL API_URL PAGE_SIZE load|incremental|full FOLDER
"""
# mypy: ignore-errors

import os
import sys

from dlt.sources.rest_api import rest_api_source
from loading import run


def records(url, size, **options):
    return rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {
                    "type": "cursor",
                    "cursor_path": "next",
                    "cursor_param": "cursor",
                },
            },
            "resources": [
                {
                    "name": "records",
                    "primary_key": "id",
                    "columns": {
                        "amount": {"data_type": "double"},
                        "score": {"data_type": "double"},
                        "birthday": {"data_type": "date"},
                        "tags": {"data_type": "json"},
                        "custom": {"data_type": "json"},
                    },
                    "endpoint": {
                        "path": "records",
                        "data_selector": "records",
                        "params": {
                            "limit": size,
                            "updated_since": "{incremental.start_value}",
                        },
                        "incremental": {
                            "cursor_path": "updated_at",
                            "initial_value": "1970-01-01T00:00:00.000Z",
                        },
                    },
                }
            ],
        },
        name="bench",
        **options,
    )


if __name__ == "__main__":
    database, url, size, job, folder = sys.argv[1:]
    os.environ.setdefault("DATA_WRITER__BUFFER_MAX_ITEMS", "50000")
    data = records(url, size, max_table_nesting=0)
    run("rest", data, database, job, folder, file_format="csv")
