"""dlt's own rest_api source as it comes, but for the columns' types, without which it would load
something else than the API holds.

python rest_defaults.py DATABASE_URL API_URL PAGE_SIZE load|incremental|full FOLDER
"""
# mypy: ignore-errors

import sys

from loading import run
from rest import records

if __name__ == "__main__":
    database, url, size, job, folder = sys.argv[1:]
    run("rest_defaults", records(url, size), database, job, folder)
