"""Our cookies: none is readable by scripts, none is sent along by other websites' forms."""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sync_platform.settings import Settings

SESSION = "sync_platform_session"
VISITOR = "sync_platform_visitor"  # of a browser that has not signed in yet
OPENID = "sync_platform_openid"  # of one that is at the sign-in provider
CONNECTING = "sync_platform_connecting"  # of one that is connecting an account


class Cookies:
    """Reads and writes them as the public address asks for: on https for that host only."""

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.public_url.startswith("https://")

    def name(self, cookie: str) -> str:
        """Its name on the wire."""
        return f"__Host-{cookie}" if self._secure else cookie

    def read(self, request: HTTPConnection, cookie: str) -> str | None:
        """Its value; None where the browser sent none."""
        return request.cookies.get(self.name(cookie)) or None

    def write(
        self, response: Response, cookie: str, value: str, lasts: timedelta | None = None
    ) -> None:
        """Have the browser keep it: so long, or until it is closed."""
        response.set_cookie(
            self.name(cookie),
            value,
            max_age=int(lasts.total_seconds()) if lasts else None,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # strict would lose the session on the way back from a vendor
        )

    def remove(self, response: Response, cookie: str) -> None:
        """Have the browser forget it."""
        response.delete_cookie(
            self.name(cookie), path="/", secure=self._secure, httponly=True, samesite="lax"
        )
