"""The keys that credentials are encrypted with: from the settings, or a file made on first use."""

import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, MultiFernet

from sync_platform.errors import ConfigurationError

log = logging.getLogger("sync_platform")


class KeySettings(Protocol):
    """What is asked of the settings."""

    @property
    def home(self) -> Path: ...

    @property
    def keys(self) -> Sequence[str] | None: ...


def load_or_make_keys(settings: KeySettings) -> tuple[str, ...]:
    """The Fernet keys, newest first: the settings' own, else those in the file `home`/keys.

    The file is made where it is missing, readable by its owner only; several processes may do so at
    once and all get the same key. Raises ConfigurationError where it cannot be read or made.
    """
    if settings.keys:
        return tuple(settings.keys)
    path = settings.home / "keys"
    try:
        if not path.exists():
            _make(path)
        lines = path.read_text("utf-8").replace(",", "\n").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(
            f"The key file {path} cannot be read or made: {reason}. Mend that, point "
            "SYNC_PLATFORM_HOME elsewhere, or set SYNC_PLATFORM_KEYS."
        ) from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise ConfigurationError(
            f"The key file {path} holds no key. Put the keys of this installation back; only if no "
            "credentials have been saved yet, delete the file and a new one is made."
        )
    return keys


def _make(path: Path) -> None:
    """Whole or not at all: a link to a finished file fails where another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".keys-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
        log.warning(  # goes to standard error where nothing else is set up
            "The key file %s was made. It opens every saved sign-in, only you may read it (mode "
            "0600), and without it all accounts must be connected again: keep a copy elsewhere.",
            path,
        )
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def lock_for(keys: Sequence[str]) -> MultiFernet:
    """What encrypts with the first key and decrypts with any; raises ConfigurationError."""
    made = []
    for place, key in enumerate(keys, start=1):
        try:
            made.append(Fernet(key))
        except ValueError:
            raise ConfigurationError(
                f"Key {place} of {len(keys)} (SYNC_PLATFORM_KEYS, or the file `keys` in "
                "SYNC_PLATFORM_HOME) is not a Fernet key: 32 bytes in url-safe base64."
            ) from None
    if not made:
        raise ConfigurationError(
            "There is no key to encrypt credentials with. Set SYNC_PLATFORM_KEYS."
        )
    return MultiFernet(made)
