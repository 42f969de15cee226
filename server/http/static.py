"""Files under web/static: style sheets, scripts, pictures."""

from pathlib import Path

from aiohttp import web

from server.errors import NotFound
from server.http.templates import WEB_DIR

STATIC_DIR = WEB_DIR / "static"

# Named here, for the system's table of types differs from machine to machine, and nosniff takes us at our word.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".txt": "text/plain",
}


async def static_file(request: web.Request) -> web.StreamResponse:
    """GET /static/{path}: one file; browsers keep it and ask each time whether it changed."""
    path = _resolve(request.match_info["path"])
    headers = {"Cache-Control": "no-cache", "Content-Type": _TYPES[path.suffix]}
    if path.suffix in (".css", ".js", ".txt"):
        headers["Content-Type"] += "; charset=utf-8"
    return web.FileResponse(path, headers=headers)


def _resolve(name: str) -> Path:
    """Return the file of that name. Raises NotFound for anything that is not a known kind of file in the folder."""
    try:
        path = (STATIC_DIR / name).resolve()
        is_ours = path.is_relative_to(STATIC_DIR.resolve()) and path.suffix in _TYPES and path.is_file()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        is_ours = False
    if not is_ours:
        raise NotFound("There is no such file.")
    return path
