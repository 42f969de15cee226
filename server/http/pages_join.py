"""The candidate's pages: the way in by a join link, and the account that a candidate may make."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from server.errors import FieldErrors, Gone
from server.http.access import (
    CLOSED_JOIN_LINK,
    JOIN_LINK,
    Route,
    current_holder,
    current_interview,
    current_participant,
    signed_in_user,
)
from server.http.body import read_form
from server.http.forms import go_to
from server.http.keys import ACCOUNTS, CONFIG, CONSENTS, ROOMS, SCHEDULE
from server.http.pages_people import HOME, log_in_and_go
from server.http.templates import render
from server.http.wording import CANDIDATE_PURPOSE_TEXTS, joined
from server.protocol import Role
from server.sessions.consent import Answer, ConsentState
from server.sessions.consenttexts import ConsentText, common_sentences, consent_text, consent_texts
from server.sessions.records import ConsentKind, Interview, InterviewStatus

_NOT_ANALYSED = (
    "For the purpose of this interview nothing is measured: neither your face nor your voice is analysed, whatever you"
    " would answer."
)


async def join_page(request: web.Request) -> web.Response:
    """GET /join/{token}: consent, devices, waiting room and call; js/join.js shows one step at a time.

    A link that lets nobody in any more leads to what can be taken back.
    """
    if current_holder(request).why_closed:
        return await _closed(request)
    interview, candidate = current_interview(request), current_participant(request)
    request.app[ROOMS].require_capacity(interview)
    details = await request.app[SCHEDULE].details(interview.id)
    consents = await request.app[CONSENTS].state(candidate.id, interview.purpose)
    is_analysed = interview.purpose in request.app[CONFIG].analysed_purposes
    is_transcribed = is_analysed and request.app[CONFIG].is_transcribing
    texts = [
        _shown(text, consents, is_analysed=is_analysed)
        for text in consent_texts(interview.purpose)
        if is_transcribed or text.kind is not ConsentKind.TRANSCRIPTION
    ]
    hosts = [member.name for member in details.interviewers]
    user = signed_in_user(request)
    if user is not None and user.role is Role.CANDIDATE and candidate.user_id is None:
        await request.app[SCHEDULE].link_candidate(user, candidate)
    may_have_account = user is None and candidate.user_id is None
    return render(
        request,
        "join.html",
        interview=interview,
        hosts=hosts,
        hosts_words=joined(hosts),
        purpose_words=CANDIDATE_PURPOSE_TEXTS[interview.purpose],
        is_analysed=is_analysed,
        texts=texts,
        common=common_sentences(interview.purpose),
        page=_for_script(request, interview, texts, consents),
        account_href=f"{request.path}/account" if may_have_account else "",
    )


def _shown(text: ConsentText, consents: ConsentState, *, is_analysed: bool) -> dict[str, Any]:
    is_possible = is_analysed or text.kind is not ConsentKind.ANALYSIS
    return {
        "kind": str(text.kind),
        "version": text.version,
        "title": text.title,
        "statement": text.statement,
        "paragraphs": text.paragraphs,
        "is_required": text.is_required,
        "is_possible": is_possible,
        "why_not": _NOT_ANALYSED,
        "is_granted": consents.has(text.kind),
    }


def _for_script(
    request: web.Request, interview: Interview, texts: list[dict[str, Any]], consents: ConsentState
) -> dict[str, Any]:
    return {
        "token": request.match_info["token"],
        "room_id": interview.room_id,
        "has_consented": consents.has(ConsentKind.CALL),
        "is_over": interview.status is InterviewStatus.ENDED,
        "versions": {text["kind"]: text["version"] for text in texts if text["is_possible"]},
    }


# --- a link that lets nobody in any more ---


async def take_back(request: web.Request) -> web.Response:
    """POST /join/{token}/take-back: every consent but the one to the call, also by such a link."""
    holder = current_holder(request)
    answers = [
        Answer(kind=kind, granted=False, text_version=consent_text(kind, holder.interview.purpose).version)
        for kind in await _standing(request)
    ]
    await request.app[ROOMS].store_consents(holder, answers)
    return go_to(f"/join/{request.match_info['token']}?done=taken-back")


async def _closed(request: web.Request) -> web.Response:
    holder, standing = current_holder(request), await _standing(request)
    is_taken_back = request.query.get("done") == "taken-back"
    if not standing and not is_taken_back:
        raise Gone(holder.why_closed)
    return render(
        request,
        "join_closed.html",
        status=HTTPStatus.GONE,
        interview=holder.interview,
        why_closed=holder.why_closed,
        standing={str(kind): consent_text(kind, holder.interview.purpose).title for kind in standing},
        is_taken_back=is_taken_back,
    )


async def _standing(request: web.Request) -> list[ConsentKind]:
    """Return what can be taken back without leaving the call."""
    consents = await request.app[ROOMS].consent_state(current_holder(request))
    return [kind for kind in ConsentKind if consents.has(kind) and kind is not ConsentKind.CALL]


# --- the account of a candidate ---


async def account_page(request: web.Request) -> web.Response:
    """GET /join/{token}/account."""
    return _account(request, {})


async def make_account(request: web.Request) -> web.Response:
    """POST /join/{token}/account: an account with the name and e-mail of the interview; logs in."""
    holder, password = current_holder(request), (await read_form(request)).text("password")
    try:
        user = await request.app[ACCOUNTS].register_candidate(holder, password=password)
    except FieldErrors as exc:
        return _account(request, exc.errors)
    await request.app[SCHEDULE].link_candidate(user, holder.participant)
    return await log_in_and_go(request, user.email, password, HOME)


def _account(request: web.Request, errors: dict[str, str]) -> web.Response:
    return render(
        request,
        "join_account.html",
        status=HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK,
        name=current_participant(request).name,
        email=current_interview(request).candidate_email,
        back=request.path.removesuffix("/account"),
        errors=errors,
    )


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/join/{token}", handler=join_page, rule=CLOSED_JOIN_LINK),
    Route(method="POST", path="/join/{token}/take-back", handler=take_back, rule=CLOSED_JOIN_LINK),
    Route(method="GET", path="/join/{token}/account", handler=account_page, rule=JOIN_LINK),
    Route(method="POST", path="/join/{token}/account", handler=make_account, rule=JOIN_LINK),
)
