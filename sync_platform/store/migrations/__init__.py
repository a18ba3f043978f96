"""The steps that bring the tables up to date: numbered, forward only.

`MIGRATIONS` repeats their numbers, oldest first, so that a process that finds the newest one in the
database need not load Alembic to know that there is nothing to do.
"""

MIGRATIONS = ("0001", "0002")
