"""What handlers of forms share: reading fields, going on to the next page, absolute links."""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from server.http.csrf import is_secure
from server.http.keys import CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A posted form; uploaded files and missing fields read as empty."""

    fields: "MultiDictProxy[str | bytes | bytearray | web.FileField]"

    def text(self, name: str) -> str:
        """Return a field as typed."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    @classmethod
    def empty(cls) -> "Form":
        """Return a form nobody has filled in yet."""
        return cls(fields=MultiDictProxy(MultiDict()))


async def read_form(request: web.Request) -> Form:
    """Return the posted form."""
    return Form(fields=await request.post())


def go_to(path: str) -> web.Response:
    """Return the answer to a successful POST: go on to a page, so that a reload does not post again."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})


def local_path(path: str, *, otherwise: str) -> str:
    """Return a path to go on to if it is on this server, for it came from outside."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else otherwise


def absolute_url(request: web.Request, path: str) -> str:
    """Return a link to send to people: under the configured public address, else the one this request came to."""
    public = request.app[CONFIG].public_url.rstrip("/")
    return (public or f"{'https' if is_secure(request) else 'http'}://{request.host}") + path


def client_address(request: web.Request) -> str:
    """Return the asker's network address, for rate limits only."""
    if request.app[CONFIG].behind_proxy:
        # The proxy appends the address it saw; what stands before it is the asker's own claim.
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.remote or ""
