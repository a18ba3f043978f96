"""The steps that bring the tables up to date: numbered, forward only.

`MIGRATIONS` repeats their numbers, oldest first, so that a process that finds the newest one in the
database need not load Alembic to know that there is nothing to do.
"""

MIGRATIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")

# Seconds that a migration waits for a table that somebody's transaction has locked. Whatever else
# asks for that table waits behind it meanwhile. Our own transactions end sooner, but for the
# renewal of a sign-in at a slow vendor.
LOCK_WITHIN = 15.0
