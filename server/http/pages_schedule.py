"""Pages about interviews: the list, the form, and the page of one with everything that can be done to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from server.clock import utc_now
from server.errors import FieldErrors
from server.http.access import INTERVIEWER, MEMBER, SIGNED_IN, Handler, Route, current_interview, current_user
from server.http.body import Form, read_form
from server.http.forms import absolute_url, go_to
from server.http.keys import CONFIG, CONSENTS, SCHEDULE, SUMMARIES, TAP_TOKENS, TOKENS
from server.http.templates import render
from server.http.wording import CONSENT_WORDS, PURPOSE_TEXTS, PURPOSE_WORDS, joined
from server.protocol import Role
from server.sessions.consent import ConsentState
from server.sessions.forms import InterviewForm
from server.sessions.records import ConsentKind, Interview, InterviewStatus, Purpose, User
from server.sessions.schedule import CandidateInterview, InterviewDetails

LATE = timedelta(hours=12)
"""A scheduled interview that nobody came to counts as past so long after its planned end."""

_EDITABLE = frozenset({InterviewStatus.SCHEDULED, InterviewStatus.WAITING})

_NOTICES = {
    "created": "The interview is scheduled. Send the candidate the link below.",
    "edited": "The changes are saved.",
    "candidate": "The changes are saved. The e-mail address is another person's, so there is a new link for them; the"
    " earlier one no longer works.",
    "link": "There is a new link; the earlier one no longer works. Send the candidate the new one.",
    "cancelled": "The interview is cancelled.",
    "interviewer": "The interviewer was added. The interview is in their list now.",
    "revoked": "The token no longer works.",
}


# --- the list ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One interview in the list."""

    interview: Interview
    href: str
    """Empty when there is no page to open."""
    people: str
    purpose_words: str
    action: str
    """Label of the button that leads to ``action_href``; empty for none."""
    action_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A part of the list."""

    heading: str
    is_now: bool
    rows: tuple[Row, ...]


async def interviews_page(request: web.Request) -> web.Response:
    """GET /interviews: one's interviews as interviewer and as candidate."""
    user, schedule = current_user(request), request.app[SCHEDULE]
    rows = [_interviewer_row(interview) for interview in await schedule.list_for_interviewer(user)]
    rows += [_candidate_row(request, invited) for invited in await schedule.list_for_candidate(user)]
    may_schedule = user.role is Role.INTERVIEWER
    return render(request, "interviews.html", groups=grouped(rows, utc_now()), may_schedule=may_schedule)


def _interviewer_row(interview: Interview) -> Row:
    here = f"/interviews/{interview.id}"
    is_over = interview.status.is_over
    return Row(
        interview=interview,
        href=here,
        people=f"with {interview.candidate_name}",
        purpose_words=PURPOSE_WORDS[interview.purpose],
        action="" if is_over else "Open the room",
        action_href=f"{here}/room",
    )


def _candidate_row(request: web.Request, invited: CandidateInterview) -> Row:
    interview = invited.interview
    join_path = f"/join/{request.app[TOKENS].join_token(interview, invited.candidate)}"
    is_over = interview.status.is_over
    return Row(
        interview=interview,
        href="" if is_over else join_path,
        people=f"with {joined(invited.interviewers)}",
        purpose_words=PURPOSE_WORDS[interview.purpose],
        action="" if is_over else "Go to the interview",
        action_href=join_path,
    )


def grouped(rows: list[Row], now: datetime) -> tuple[Group, ...]:
    """Return the rows as now, upcoming (soonest first) and past (latest first); empty groups are left out."""
    current, upcoming, past = [], [], []
    for row in sorted(rows, key=lambda row: row.interview.scheduled_at):
        interview = row.interview
        end = interview.scheduled_at + timedelta(minutes=interview.duration_min)
        if interview.status in (InterviewStatus.WAITING, InterviewStatus.LIVE):
            current.append(row)
        elif interview.status is InterviewStatus.SCHEDULED and now < end + LATE:
            upcoming.append(row)
        else:
            past.append(row)
    groups = (
        Group(heading="Now", is_now=True, rows=tuple(current)),
        Group(heading="Upcoming", is_now=False, rows=tuple(upcoming)),
        Group(heading="Past", is_now=False, rows=tuple(reversed(past))),
    )
    return tuple(group for group in groups if group.rows)


# --- the form ---


async def new_page(request: web.Request) -> web.Response:
    """GET /interviews/new."""
    return _form_page(request, None, _EMPTY_FORM, {})


async def create(request: web.Request) -> web.Response:
    """POST /interviews/new."""
    form = _typed(await read_form(request))
    try:
        details = await request.app[SCHEDULE].create(current_user(request), form)
    except FieldErrors as exc:
        return _form_page(request, None, form, exc.errors)
    return go_to(f"/interviews/{details.interview.id}?done=created")


async def edit_page(request: web.Request) -> web.Response:
    """GET /interviews/{id}/edit."""
    details = await _details(request)
    return _form_page(request, details, _stored(details), {})


async def edit(request: web.Request) -> web.Response:
    """POST /interviews/{id}/edit."""
    form = _typed(await read_form(request))
    interview_id = current_interview(request).id
    try:
        changed = await request.app[SCHEDULE].edit(current_user(request), interview_id, form)
    except FieldErrors as exc:
        return _form_page(request, await _details(request), form, exc.errors)
    is_new_link = changed.interview.link_version != current_interview(request).link_version
    return go_to(f"/interviews/{interview_id}?done={'candidate' if is_new_link else 'edited'}")


_EMPTY_FORM = InterviewForm(title="", candidate_name="", candidate_email="", scheduled_at="", duration_min="45")


def _typed(form: Form) -> InterviewForm:
    date, time = form.text("date").strip(), form.text("time").strip()
    return InterviewForm(
        title=form.text("title"),
        candidate_name=form.text("candidate_name"),
        candidate_email=form.text("candidate_email"),
        scheduled_at=f"{date}T{time}",
        timezone=form.text("timezone") or "UTC",
        duration_min=form.text("duration_min"),
        purpose=form.text("purpose"),
        questions=form.text("questions").splitlines(),
        co_interviewers=form.text("co_interviewers").replace(",", "\n").splitlines(),
    )


def _stored(details: InterviewDetails) -> InterviewForm:
    interview = details.interview
    return InterviewForm(
        title=interview.title,
        candidate_name=interview.candidate_name,
        candidate_email=interview.candidate_email,
        scheduled_at=interview.scheduled_at.strftime("%Y-%m-%dT%H:%M"),
        duration_min=str(interview.duration_min),
        purpose=interview.purpose,
        questions=[question.text for question in details.questions],
        co_interviewers=[member.email for member in details.interviewers if member.id != interview.created_by],
    )


def _form_page(
    request: web.Request, details: InterviewDetails | None, form: InterviewForm, errors: Mapping[str, str]
) -> web.Response:
    date, _, time = form.scheduled_at.partition("T")
    analysed = request.app[CONFIG].analysed_purposes
    return render(
        request,
        "interview_form.html",
        status=HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK,
        interview=None if details is None else details.interview,
        owner=_owner_words(current_user(request), details),
        form=form,
        date=date,
        time=time,
        # A stored time is UTC and is shown in the viewer's zone by the page; a typed one stays as typed.
        utc="" if details is None or errors else f"{form.scheduled_at}Z",
        purposes=[(item, PURPOSE_WORDS[item], PURPOSE_TEXTS[item], item in analysed) for item in Purpose],
        errors=errors,
    )


def _owner_words(user: User, details: InterviewDetails | None) -> str:
    if details is None or details.interview.created_by == user.id:
        return "you"
    return next((member.name for member in details.interviewers if member.id == details.interview.created_by), "you")


# --- one interview ---


async def interview_page(request: web.Request) -> web.Response:
    """GET /interviews/{id}."""
    return await _interview(request, notice=_NOTICES.get(request.query.get("done", ""), ""))


async def cancel(request: web.Request) -> web.Response:
    """POST /interviews/{id}/cancel."""
    interview_id = current_interview(request).id
    await request.app[SCHEDULE].cancel(current_user(request), interview_id)
    return go_to(f"/interviews/{interview_id}?done=cancelled")


async def delete(request: web.Request) -> web.Response:
    """POST /interviews/{id}/delete: with the box ticked that says that it is meant."""
    if (await read_form(request)).text("confirm") != "yes":
        return await _interview(request, errors={"confirm": "Tick the box if you want to delete everything."})
    await request.app[SCHEDULE].delete(current_user(request), current_interview(request).id)
    return go_to("/interviews")


async def renew_join_link(request: web.Request) -> web.Response:
    """POST /interviews/{id}/join-link: make a new link and void the earlier one."""
    interview_id = current_interview(request).id
    await request.app[SCHEDULE].renew_join_link(current_user(request), interview_id)
    return go_to(f"/interviews/{interview_id}?done=link")


async def add_interviewer(request: web.Request) -> web.Response:
    """POST /interviews/{id}/interviewers."""
    form = await read_form(request)
    interview_id = current_interview(request).id
    try:
        await request.app[SCHEDULE].add_interviewer(current_user(request), interview_id, email=form.text("email"))
    except FieldErrors as exc:
        return await _interview(request, errors=exc.errors, email=form.text("email"))
    return go_to(f"/interviews/{interview_id}?done=interviewer")


async def create_tap(request: web.Request) -> web.Response:
    """POST /interviews/{id}/taps: the token is on the page that answers, and only there."""
    form = await read_form(request)
    try:
        tap, secret = await request.app[TAP_TOKENS].create(current_interview(request).id, label=form.text("label"))
    except FieldErrors as exc:
        return await _interview(request, errors=exc.errors)
    return await _interview(request, new_tap=(tap.label, secret))


async def revoke_tap(request: web.Request) -> web.Response:
    """POST /interviews/{id}/taps/{tap_id}/revoke."""
    interview_id = current_interview(request).id
    await request.app[TAP_TOKENS].revoke(interview_id, request.match_info["tap_id"])
    return go_to(f"/interviews/{interview_id}?done=revoked")


async def _details(request: web.Request) -> InterviewDetails:
    return await request.app[SCHEDULE].get(current_user(request), current_interview(request).id)


async def _interview(
    request: web.Request,
    *,
    notice: str = "",
    errors: Mapping[str, str] | None = None,
    email: str = "",
    new_tap: tuple[str, str] | None = None,
) -> web.Response:
    app, details = request.app, await _details(request)
    interview = details.interview
    consents = await app[CONSENTS].state(details.candidate.id, interview.purpose)
    join_path = f"/join/{app[TOKENS].join_token(interview, details.candidate)}"
    return render(
        request,
        "interview.html",
        status=HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK,
        interview=interview,
        is_editable=interview.status in _EDITABLE,
        questions=details.questions,
        interviewers=details.interviewers,
        purpose_words=PURPOSE_WORDS[interview.purpose],
        is_analysed=interview.purpose in app[CONFIG].analysed_purposes,
        join_link="" if interview.status.is_over else absolute_url(request, join_path),
        consents=[
            (CONSENT_WORDS[kind], _answer(consents, kind)) for kind in ConsentKind if _is_asked(app, consents, kind)
        ],
        sessions=await app[SUMMARIES].sessions(interview.id),
        taps=await app[TAP_TOKENS].of_interview(interview.id),
        new_tap=new_tap,
        tap_base=absolute_url(request, f"/taps/{interview.id}"),
        notice=notice,
        errors=errors or {},
        email=email,
    )


def _is_asked(app: web.Application, consents: ConsentState, kind: ConsentKind) -> bool:
    return kind is not ConsentKind.TRANSCRIPTION or app[CONFIG].is_transcribing or kind in consents.answered


def _answer(consents: ConsentState, kind: ConsentKind) -> str:
    if kind not in consents.answered:
        return "Not answered yet"
    return "Yes" if consents.has(kind) else "No"


def _member_route(method: str, path: str, handler: Handler) -> Route:
    return Route(method=method, path=f"/interviews/{{id}}{path}", handler=handler, rule=MEMBER)


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/interviews", handler=interviews_page, rule=SIGNED_IN),
    Route(method="GET", path="/interviews/new", handler=new_page, rule=INTERVIEWER),
    Route(method="POST", path="/interviews/new", handler=create, rule=INTERVIEWER),
    _member_route("GET", "", interview_page),
    _member_route("GET", "/edit", edit_page),
    _member_route("POST", "/edit", edit),
    _member_route("POST", "/cancel", cancel),
    _member_route("POST", "/delete", delete),
    _member_route("POST", "/join-link", renew_join_link),
    _member_route("POST", "/interviewers", add_interviewer),
    _member_route("POST", "/taps", create_tap),
    _member_route("POST", "/taps/{tap_id}/revoke", revoke_tap),
)
