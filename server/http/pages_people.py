"""Pages about people: first account, invitations, login and logout, one's account, everybody's accounts."""

from http import HTTPStatus

from aiohttp import web

from server.errors import FieldErrors, NotAuthenticated, TooManyRequests
from server.http.access import LOGIN, OPERATOR, PUBLIC, SIGNED_IN, Route, current_user, signed_in_user
from server.http.body import Form, read_form
from server.http.csrf import SESSION_COOKIE, is_secure
from server.http.forms import absolute_url, client_address, go_to, local_path
from server.http.keys import ACCOUNTS
from server.http.templates import render
from server.http.wording import browser_words, role_words
from server.protocol import Role
from server.sessions.accounts import LOGIN_LIFETIME
from server.sessions.records import Invitation

HOME = "/interviews"

_LOGIN_NOTICES = {
    "out": "You are logged out.",
    "everywhere": "You are logged out everywhere.",
}


async def start_page(request: web.Request) -> web.Response:
    """GET /: to the interviews, to the login, or a word on how the first account is made."""
    if signed_in_user(request) is not None:
        return go_to(HOME)
    if await request.app[ACCOUNTS].has_users():
        return go_to("/login")
    return render(request, "home.html")


# --- becoming somebody ---


async def setup_page(request: web.Request) -> web.Response:
    """GET /setup/{token}."""
    await request.app[ACCOUNTS].check_setup(request.match_info["token"])
    return _setup(request, Form.empty(), {})


async def set_up(request: web.Request) -> web.Response:
    """POST /setup/{token}: make the first account and log in."""
    form = await read_form(request)
    try:
        user = await request.app[ACCOUNTS].set_up(
            request.match_info["token"],
            name=form.text("name"),
            email=form.text("email"),
            password=form.text("password"),
        )
    except FieldErrors as exc:
        return _setup(request, form, exc.errors)
    return await log_in_and_go(request, user.email, form.text("password"), HOME)


def _setup(request: web.Request, form: Form, errors: dict[str, str]) -> web.Response:
    return render(
        request,
        "register.html",
        status=_status(errors),
        heading="The first account",
        lead="It is yours: with it you schedule interviews and invite others. This link works once.",
        button="Make the account",
        is_email_fixed=False,
        values={"name": form.text("name"), "email": form.text("email")},
        errors=errors,
    )


async def invitation_page(request: web.Request) -> web.Response:
    """GET /invite/{token}."""
    invitation = await request.app[ACCOUNTS].invitation_for(request.match_info["token"])
    return _invitation(request, invitation, Form.empty(), {})


async def accept_invitation(request: web.Request) -> web.Response:
    """POST /invite/{token}: make an account and log in."""
    accounts, token = request.app[ACCOUNTS], request.match_info["token"]
    form = await read_form(request)
    invitation = await accounts.invitation_for(token)
    try:
        user = await accounts.register(token, name=form.text("name"), password=form.text("password"))
    except FieldErrors as exc:
        return _invitation(request, invitation, form, exc.errors)
    return await log_in_and_go(request, user.email, form.text("password"), HOME)


def _invitation(request: web.Request, invitation: Invitation, form: Form, errors: dict[str, str]) -> web.Response:
    return render(
        request,
        "register.html",
        status=_status(errors),
        heading="Welcome to Composure",
        lead="You were invited as an interviewer." if invitation.role is Role.INTERVIEWER else "You were invited.",
        button="Make my account",
        is_email_fixed=True,
        values={"name": form.text("name"), "email": invitation.email},
        errors=errors,
    )


# --- login and logout ---


async def login_page(request: web.Request) -> web.Response:
    """GET /login."""
    next_path = local_path(request.query.get("next", ""), otherwise="")
    if signed_in_user(request) is not None:
        return go_to(next_path or HOME)
    notice = _LOGIN_NOTICES.get(request.query.get("done", ""), "")
    return render(request, "login.html", values={"email": ""}, errors={}, next=next_path, notice=notice)


async def log_in(request: web.Request) -> web.Response:
    """POST /login."""
    form = await read_form(request)
    email, next_path = form.text("email"), local_path(form.text("next"), otherwise="")
    try:
        return await log_in_and_go(request, email, form.text("password"), next_path or HOME)
    except (NotAuthenticated, TooManyRequests) as exc:
        page = render(
            request,
            "login.html",
            status=exc.status,
            values={"email": email},
            errors={"form": exc.message},
            next=next_path,
            notice="",
        )
        if exc.retry_after_s is not None:
            page.headers["Retry-After"] = str(exc.retry_after_s)
        return page


async def log_in_and_go(request: web.Request, email: str, password: str, path: str) -> web.Response:
    """Log in and go on to a page.

    Raises:
        NotAuthenticated, TooManyRequests: as ``Accounts.log_in``.
    """
    _, secret = await request.app[ACCOUNTS].log_in(
        email, password, address=client_address(request), browser=request.headers.get("User-Agent", "")
    )
    return _logged_in(request, secret, path)


async def enter(request: web.Request) -> web.Response:
    """GET /enter/{token}: log in by a link that the server printed."""
    _, secret = await request.app[ACCOUNTS].enter(
        request.match_info["token"], browser=request.headers.get("User-Agent", "")
    )
    return _logged_in(request, secret, local_path(request.query.get("next", ""), otherwise=HOME))


def _logged_in(request: web.Request, secret: str, path: str) -> web.Response:
    response = go_to(path)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(LOGIN_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )
    return response


async def log_out(request: web.Request) -> web.Response:
    """POST /logout: this browser."""
    await request.app[ACCOUNTS].log_out(request.cookies.get(SESSION_COOKIE, ""))
    return _logged_out("out")


async def log_out_everywhere(request: web.Request) -> web.Response:
    """POST /logout-everywhere."""
    await request.app[ACCOUNTS].log_out_everywhere(current_user(request).id)
    return _logged_out("everywhere")


def _logged_out(done: str) -> web.Response:
    response = go_to(f"/login?done={done}")
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


# --- one's account ---


async def account_page(request: web.Request) -> web.Response:
    """GET /account."""
    is_changed = request.query.get("done") == "password"
    return await _account(request, {}, "Your password is changed. Other devices are logged out." if is_changed else "")


async def change_password(request: web.Request) -> web.Response:
    """POST /account/password."""
    form = await read_form(request)
    try:
        await request.app[ACCOUNTS].change_password(request[LOGIN], old=form.text("old"), new=form.text("new"))
    except FieldErrors as exc:
        return await _account(request, exc.errors)
    except TooManyRequests as exc:
        return await _account(request, {"form": exc.message}, status=exc.status)
    return go_to("/account?done=password")


async def _account(
    request: web.Request, errors: dict[str, str], notice: str = "", status: int | None = None
) -> web.Response:
    user = current_user(request)
    logins = await request.app[ACCOUNTS].login_sessions(user.id)
    return render(
        request,
        "account.html",
        status=status or _status(errors),
        role_words=role_words(user),
        logins=[(login, browser_words(login.browser)) for login in logins],
        this_login_id=request[LOGIN].login_session_id,
        errors=errors,
        notice=notice,
    )


# --- everybody ---


async def people_page(request: web.Request) -> web.Response:
    """GET /people."""
    return await _people(request, Form.empty(), {})


async def invite(request: web.Request) -> web.Response:
    """POST /people: make an invitation; its link is on the page that answers, and only there."""
    form = await read_form(request)
    try:
        invitation, token = await request.app[ACCOUNTS].invite(
            current_user(request), email=form.text("email"), role=Role.INTERVIEWER
        )
    except FieldErrors as exc:
        return await _people(request, form, exc.errors)
    return await _people(request, Form.empty(), {}, invitation, absolute_url(request, f"/invite/{token}"))


async def withdraw_invitation(request: web.Request) -> web.Response:
    """POST /people/invitations/{invitation_id}/withdraw."""
    await request.app[ACCOUNTS].withdraw_invitation(current_user(request), request.match_info["invitation_id"])
    return go_to("/people")


async def _people(
    request: web.Request, form: Form, errors: dict[str, str], made: Invitation | None = None, link: str = ""
) -> web.Response:
    accounts, user = request.app[ACCOUNTS], current_user(request)
    people = [(person, role_words(person)) for person in await accounts.users(user)]
    return render(
        request,
        "people.html",
        status=_status(errors),
        people=people,
        invitations=await accounts.invitations(user),
        made=made,
        link=link,
        values={"email": form.text("email")},
        errors=errors,
    )


def _status(errors: dict[str, str]) -> int:
    return HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/", handler=start_page, rule=PUBLIC),
    Route(method="GET", path="/setup/{token}", handler=setup_page, rule=PUBLIC),
    Route(method="POST", path="/setup/{token}", handler=set_up, rule=PUBLIC),
    Route(method="GET", path="/enter/{token}", handler=enter, rule=PUBLIC),
    Route(method="GET", path="/invite/{token}", handler=invitation_page, rule=PUBLIC),
    Route(method="POST", path="/invite/{token}", handler=accept_invitation, rule=PUBLIC),
    Route(method="GET", path="/login", handler=login_page, rule=PUBLIC),
    Route(method="POST", path="/login", handler=log_in, rule=PUBLIC),
    Route(method="POST", path="/logout", handler=log_out, rule=SIGNED_IN),
    Route(method="POST", path="/logout-everywhere", handler=log_out_everywhere, rule=SIGNED_IN),
    Route(method="GET", path="/account", handler=account_page, rule=SIGNED_IN),
    Route(method="POST", path="/account/password", handler=change_password, rule=SIGNED_IN),
    Route(method="GET", path="/people", handler=people_page, rule=OPERATOR),
    Route(method="POST", path="/people", handler=invite, rule=OPERATOR),
    Route(
        method="POST",
        path="/people/invitations/{invitation_id}/withdraw",
        handler=withdraw_invitation,
        rule=OPERATOR,
    ),
)
