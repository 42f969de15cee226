"""Pages from templates: ``render(request, "name.html", **context)``.

Every template finds, besides its context: ``user`` (signed-in user or None), ``csrf`` (token for forms),
``asset(path)`` (URL of a file under web/static), ``request_path`` and ``analysed_purposes``.
Undefined names are errors.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from server.http.access import signed_in_user
from server.http.csrf import csrf_token, set_form_cookie
from server.http.keys import CONFIG, TEMPLATES

WEB_DIR = Path(__file__).resolve().parents[2] / "web"


def make_environment(web_dir: Path = WEB_DIR) -> jinja2.Environment:
    """Return the template environment: everything escaped, undefined names are errors."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(web_dir / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset
    return environment


def compile_all(environment: jinja2.Environment) -> None:
    """Compile every template now: the first visitor's page would otherwise stop the event loop for a while."""
    for name in environment.list_templates():
        environment.get_template(name)


def asset(path: str) -> str:
    """Return the URL of a file under web/static, such as ``asset("js/call.js")``."""
    return f"/static/{path}"


def render(request: web.Request, name: str, /, *, status: int = HTTPStatus.OK, **context: Any) -> web.Response:
    """Return a page made from a template."""
    template = request.app[TEMPLATES].get_template(name)
    text = template.render(
        user=signed_in_user(request),
        csrf=csrf_token(request),
        request_path=request.path,
        analysed_purposes=request.app[CONFIG].analysed_purposes,
        **context,
    )
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Cache-Control"] = "no-store"
    set_form_cookie(request, response)
    return response
