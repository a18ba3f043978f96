"""How commands end: our errors become one sentence on standard error and an exit code."""

from typing import Any

import click

from sync_platform.errors import (
    ConfigurationError,
    NeedsPerson,
    Refused,
    RetryLater,
    SyncPlatformError,
)

INTERRUPTED = 130  # as shells have it for Ctrl-C
EXIT_CODES: list[tuple[type[SyncPlatformError], int]] = [
    (ConfigurationError, 2),
    (Refused, 3),
    (NeedsPerson, 4),
    (RetryLater, 5),
    (SyncPlatformError, 6),
]


def exit_code(error: SyncPlatformError) -> int:
    """2 configuration, 3 refused, 4 a person must act, 5 try again later, 6 unexpected."""
    return next(code for family, code in EXIT_CODES if isinstance(error, family))


def complain(sentence: object) -> None:
    """Say on standard error what is wrong."""
    click.echo(f"sync-platform: {sentence}", err=True)


class Commands(click.Group):
    """A group of commands that end so."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SyncPlatformError as error:
            complain(error)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            complain("interrupted; what was committed stays.")
            ctx.exit(INTERRUPTED)
