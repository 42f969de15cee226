"""Accounts: first start, invitations, registration, login, logout, passwords."""

from collections.abc import Callable
from datetime import datetime, timedelta

from server.db import invitations as invitation_rows
from server.db import logins as login_rows
from server.db import users as user_rows
from server.db.engine import AsyncConnection, Database
from server.errors import FieldErrors, Forbidden, Gone, NotAuthenticated, NotFound
from server.sessions.entrylinks import EntryLinks
from server.sessions.fields import checked_email, checked_name, collect, storable
from server.sessions.passwords import Passwords, password_problem
from server.sessions.principals import JoinPrincipal, UserPrincipal
from server.sessions.ratelimit import RateLimiter
from server.sessions.records import Invitation, LoginSession, Role, User
from server.sessions.secrets import hashed, new_id, new_secret

LOGIN_LIFETIME = timedelta(days=14)
INVITATION_LIFETIME = timedelta(days=7)


class Accounts:
    """Everything about people with accounts.

    Args:
        database: where they are stored.
        now: wall clock, UTC.
        clock: monotonic clock, seconds, for the rate limits.
        passwords: hashes and checks passwords.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        passwords: Passwords | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._passwords = passwords or Passwords()
        self._per_address = RateLimiter(clock, attempts=30, window_s=900.0)
        self._per_account = RateLimiter(clock, attempts=10, window_s=900.0)
        self._entry_links = EntryLinks(clock)

    # --- first start ---

    async def new_setup_token(self) -> str | None:
        """Return the secret of a fresh setup link, or None once an account exists. Earlier links become void."""
        async with self._database.write() as connection:
            if await user_rows.count(connection):
                return None
            token = new_secret()
            await user_rows.store_setup_hash(connection, hashed(token))
            return token

    async def check_setup(self, token: str) -> None:
        """Pass if the setup link is good.

        Raises:
            Gone: an account exists already.
            NotFound: not the link that was printed last.
        """
        async with self._database.read() as connection:
            await self._check_setup(connection, token)

    async def set_up(self, token: str, *, name: str, email: str, password: str) -> User:
        """Make the first account: an interviewer who is also the operator.

        Raises:
            Gone, NotFound: as ``check_setup``.
            FieldErrors: name, email or password cannot be used.
        """
        await self.check_setup(token)
        checked = _checked_person(name, email, password)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as connection:
            await self._check_setup(connection, token)
            user = self._new_user(*checked, role=Role.INTERVIEWER, is_operator=True)
            await user_rows.insert_user(connection, user, password_hash)
            await user_rows.store_setup_hash(connection, None)
        return user

    async def _check_setup(self, connection: AsyncConnection, token: str) -> None:
        if await user_rows.count(connection):
            raise Gone("This setup link has done its work: an account exists. Please log in.")
        if await user_rows.setup_hash(connection) != hashed(token):
            raise NotFound("This setup link is not valid. The server prints a new one each time it starts.")

    # --- invitations and registration ---

    async def invite(self, by: User, *, email: str, role: Role) -> tuple[Invitation, str]:
        """Make an invitation; returns it and the secret for its link, which is shown once.

        Raises:
            Forbidden: ``by`` is not the operator.
            FieldErrors: the e-mail cannot be used or has an account.
        """
        _require_operator(by)
        with collect() as fields:
            address = fields.check("email", checked_email, email)
        now, token = self._now(), new_secret()
        invitation = Invitation(
            id=new_id(), email=address, role=role, created_at=now, expires_at=now + INVITATION_LIFETIME, used_at=None
        )
        async with self._database.write() as connection:
            await _require_free(connection, address)
            await invitation_rows.insert_invitation(connection, invitation, hashed(token), invited_by=by.id)
        return invitation, token

    async def invitations(self, by: User) -> tuple[Invitation, ...]:
        """Return the invitations that were not used, newest first. Raises Forbidden unless ``by`` is the operator."""
        _require_operator(by)
        async with self._database.read() as connection:
            return await invitation_rows.unused(connection)

    async def withdraw_invitation(self, by: User, invitation_id: str) -> None:
        """Make an unused invitation void. Raises Forbidden unless by the operator, NotFound if there is none."""
        _require_operator(by)
        async with self._database.write() as connection:
            if not await invitation_rows.delete_unused(connection, invitation_id):
                raise NotFound("There is no such open invitation.")

    async def invitation_for(self, token: str) -> Invitation:
        """Return the invitation behind a link. Raises NotFound if unknown, Gone if used or expired."""
        async with self._database.read() as connection:
            return self._usable(await invitation_rows.by_token(connection, hashed(token)))

    async def register(self, token: str, *, name: str, password: str) -> User:
        """Make an account by invitation; its e-mail and role are those of the invitation.

        Raises:
            NotFound, Gone: as ``invitation_for``.
            FieldErrors: name or password cannot be used, or the e-mail has an account by now.
        """
        invitation = await self.invitation_for(token)
        checked = _checked_person(name, invitation.email, password)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as connection:
            invitation = self._usable(await invitation_rows.by_token(connection, hashed(token)))
            await _require_free(connection, invitation.email)
            user = self._new_user(*checked, role=invitation.role)
            await user_rows.insert_user(connection, user, password_hash)
            await invitation_rows.mark_used(connection, invitation.id, self._now())
        return user

    async def register_candidate(self, holder: JoinPrincipal, *, password: str) -> User:
        """Make an account for the holder of a join link, with the name and e-mail of the interview.

        Raises:
            FieldErrors: the password cannot be used, or the e-mail has an account.
        """
        interview = holder.interview
        checked = _checked_person(interview.candidate_name, interview.candidate_email, password)
        async with self._database.read() as connection:  # hashing costs, so it is not done for nothing
            await _require_free(connection, interview.candidate_email)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as connection:
            await _require_free(connection, interview.candidate_email)
            user = self._new_user(*checked, role=Role.CANDIDATE)
            await user_rows.insert_user(connection, user, password_hash)
        return user

    # --- login ---

    async def log_in(self, email: str, password: str, *, address: str, browser: str = "") -> tuple[UserPrincipal, str]:
        """Check a password and open a login session; returns who it is and the secret for the cookie.

        A wrong address and a wrong password take the same time and give the same answer.

        Args:
            email: in any case.
            password: as typed.
            address: network address of the asker, for the rate limit only; it is not stored.
            browser: User-Agent header, stored shortened so that the user can tell sessions apart.

        Raises:
            TooManyRequests: too many failures from this address or for this account; carries retry_after_s.
            NotAuthenticated: no such account or wrong password.
        """
        account = email.strip().lower()[:320]
        self._per_address.take(address)
        self._per_account.take(account)
        async with self._database.read() as connection:
            found = await user_rows.with_password(connection, account)
        is_right = await self._passwords.verify(found[1] if found else None, password)
        if found is None or not is_right:
            raise NotAuthenticated("The e-mail or the password is wrong.")
        self._per_address.give_back(address)
        self._per_account.give_back(account)
        return await self._open_login(found[0], browser)

    def new_entry_link(self, user: User) -> str:
        """Return the secret of a link that logs a user in once within the hour; for the server's own use."""
        return self._entry_links.new(user.id)

    async def enter(self, token: str, *, browser: str = "") -> tuple[UserPrincipal, str]:
        """Open a login session by an entry link; returns as ``log_in``.

        Raises:
            Gone: the link is unknown, used or too old.
        """
        user_id = self._entry_links.use(token)
        async with self._database.read() as connection:
            user = await user_rows.get(connection, user_id) if user_id is not None else None
        if user is None:
            raise Gone("This link has been used or is too old. Please log in.")
        return await self._open_login(user, browser)

    async def _open_login(self, user: User, browser: str) -> tuple[UserPrincipal, str]:
        token, now = new_secret(), self._now()
        login = LoginSession(
            id=new_id(),
            user_id=user.id,
            created_at=now,
            expires_at=now + LOGIN_LIFETIME,
            browser=storable(browser[:200]),
        )
        async with self._database.write() as connection:
            await login_rows.delete_expired(connection, now)
            await login_rows.insert_login(connection, login, hashed(token))
        return UserPrincipal(user=user, login_session_id=login.id), token

    async def principal_for(self, token: str) -> UserPrincipal:
        """Return who a login cookie belongs to. Raises NotAuthenticated if unknown or expired."""
        async with self._database.read() as connection:
            found = await login_rows.by_token(connection, hashed(token), self._now())
        if found is None:
            raise NotAuthenticated("Please log in.")
        user, login = found
        return UserPrincipal(user=user, login_session_id=login.id)

    async def login_sessions(self, user_id: str) -> tuple[LoginSession, ...]:
        """Return where a user is logged in, newest first."""
        async with self._database.read() as connection:
            return await login_rows.of_user(connection, user_id, self._now())

    async def log_out(self, token: str) -> None:
        """End one login session; nothing happens if it is over already."""
        async with self._database.write() as connection:
            await login_rows.delete_by_token(connection, hashed(token))

    async def log_out_everywhere(self, user_id: str) -> None:
        """End every login session of a user."""
        async with self._database.write() as connection:
            await login_rows.delete_of_user(connection, user_id)

    async def change_password(self, who: UserPrincipal, *, old: str, new: str) -> None:
        """Change one's password and end one's other login sessions.

        Raises:
            FieldErrors: the old password is wrong (field ``old``) or the new one cannot be used (field ``new``).
            TooManyRequests: too many wrong old passwords.
        """
        if problem := password_problem(new):
            raise FieldErrors({"new": problem})
        self._per_account.take(who.user.email)
        async with self._database.read() as connection:
            found = await user_rows.with_password(connection, who.user.email)
        if not await self._passwords.verify(found[1] if found else None, old):
            raise FieldErrors({"old": "The old password is wrong."})
        self._per_account.give_back(who.user.email)
        password_hash = await self._passwords.hash(new)
        async with self._database.write() as connection:
            await user_rows.set_password(connection, who.user.id, password_hash)
            await login_rows.delete_of_user(connection, who.user.id, except_id=who.login_session_id)

    async def set_password(self, email: str, new: str) -> None:
        """Set a password without the old one and end all login sessions; for the server's own command line.

        Raises:
            NotFound: there is no account with this e-mail.
            FieldErrors: the password cannot be used (field ``new``).
        """
        if problem := password_problem(new):
            raise FieldErrors({"new": problem})
        user = await self.find(email)
        if user is None:
            raise NotFound("There is no account with this e-mail.")
        password_hash = await self._passwords.hash(new)
        async with self._database.write() as connection:
            await user_rows.set_password(connection, user.id, password_hash)
            await login_rows.delete_of_user(connection, user.id)

    # --- people ---

    async def users(self, by: User) -> tuple[User, ...]:
        """Return every user by name. Raises Forbidden unless ``by`` is the operator."""
        _require_operator(by)
        async with self._database.read() as connection:
            return await user_rows.everyone(connection)

    async def find(self, email: str) -> User | None:
        """Return the user with an e-mail, in any case."""
        async with self._database.read() as connection:
            found = await user_rows.with_password(connection, email)
        return found[0] if found else None

    async def has_users(self) -> bool:
        """Return whether the first account was made."""
        async with self._database.read() as connection:
            return await user_rows.count(connection) > 0

    def _new_user(self, name: str, email: str, *, role: Role, is_operator: bool = False) -> User:
        return User(id=new_id(), name=name, email=email, role=role, is_operator=is_operator, created_at=self._now())

    def _usable(self, invitation: Invitation | None) -> Invitation:
        if invitation is None:
            raise NotFound("This invitation link is not valid.")
        if invitation.used_at is not None:
            raise Gone("This invitation was used already. Please log in.")
        if invitation.expires_at <= self._now():
            raise Gone("This invitation has expired. Please ask for a new one.")
        return invitation


def _checked_person(name: str, email: str, password: str) -> tuple[str, str]:
    with collect() as fields:
        clean_name = fields.check("name", checked_name, name)
        clean_email = fields.check("email", checked_email, email)
        if problem := password_problem(password):
            fields.add("password", problem)
    return clean_name, clean_email


async def _require_free(connection: AsyncConnection, email: str) -> None:
    if await user_rows.with_password(connection, email) is not None:
        raise FieldErrors({"email": "There is an account with this e-mail already."})


def _require_operator(user: User) -> None:
    if not user.is_operator:
        raise Forbidden("Only the operator may do this.")
