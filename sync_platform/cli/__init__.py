"""The command line: reads its arguments, calls one verb of Platform, shows the answer."""

from sync_platform.engine.interpreter import permanent

with permanent():
    from sync_platform.cli.commands import main

__all__ = ["main"]
