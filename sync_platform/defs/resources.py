"""The platform, as a Dagster resource: made once a process, when something first asks for it."""

from functools import cache

import dagster as dg

from sync_platform.platform import Platform


@cache
def the_platform() -> Platform:
    """This process's platform, from the environment."""
    return Platform.from_env()


class PlatformResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Gives assets, sensors and ops the platform."""

    def get(self) -> Platform:
        """The platform of this process."""
        return the_platform()
