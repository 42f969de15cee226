from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import inspect, text

from pipeline.types import Reason, Shares
from server.db.consents import of_participant
from server.db.engine import Database
from server.db.migrate import MIGRATIONS, migrate
from server.db.schema import metadata
from server.db.series import find_estimates


async def test_migrated_tables_are_those_of_the_schema(database: Database):
    async with database.write() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_type": True, "compare_server_default": True}), metadata
            )
        )
    assert differences == []


async def test_checks_and_cascades_are_those_of_the_schema(database: Database, tmp_path: Path):
    """compare_metadata does not look at CHECK constraints nor, on SQLite, at ON DELETE."""
    direct = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'direct.db'}")
    async with direct.write() as connection:
        await connection.run_sync(metadata.create_all)

    def describe(sync):
        inspector = inspect(sync)
        return {
            table: (
                sorted(check["name"] for check in inspector.get_check_constraints(table)),
                sorted(
                    (key["constrained_columns"], key["referred_table"], key["options"].get("ondelete"))
                    for key in inspector.get_foreign_keys(table)
                ),
            )
            for table in metadata.tables
        }

    async with direct.read() as wanted, database.read() as got:
        assert await got.run_sync(describe) == await wanted.run_sync(describe)
    await direct.close()


async def test_migrating_twice_changes_nothing(database: Database):
    await migrate(database)
    async with database.read() as connection:
        versions = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    assert len(versions) == 1


def test_revisions_are_numbered_in_one_line():
    revisions = [item.revision for item in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert list(reversed(revisions)) == [f"{n:04d}" for n in range(1, len(revisions) + 1)]


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path):
    database = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}")
    await migrate(database)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CommandError, match="9999"):
        await migrate(database)
    await database.close()


_INTERVIEW = (
    "INSERT INTO users VALUES ('u', 'U', 'u@example.org', 'interviewer', 1, '', '2026-11-20')",
    "INSERT INTO interviews VALUES ('i', 'T', 'C', 'c@example.org', '2026-11-20', 45, 'practice', 'r', 'ended',"
    " 1, 'u', '2026-11-20')",
    "INSERT INTO participants VALUES ('p', 'i', 'candidate', 'C', NULL, NULL, NULL, '2026-11-20')",
)
"""A candidate of an interview, in the columns of the first tables."""


async def test_answers_about_a_recording_go_and_the_others_stay(tmp_path: Path):
    database = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}")
    await migrate(database, revision="0006")
    async with database.write() as connection:
        for statement in (
            *_INTERVIEW,
            *(
                f"INSERT INTO consents VALUES ({n}, 'p', '{kind}', 1, 'practice', 'old', '', '2026-11-20 10:00:00')"
                for n, kind in enumerate(("call", "recording", "research"))
            ),
        ):
            await connection.execute(text(statement))
    await migrate(database)
    async with database.read() as connection:
        assert [answer.kind for answer in await of_participant(connection, "p")] == ["call", "research"]
    await database.close()


async def test_estimates_from_before_levels_and_eyes_are_read_without_them(tmp_path: Path):
    database = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}")
    await migrate(database, revision="0001")
    old = {
        "session_id": "s",
        "t_s": 1.0,
        "contributions": "[]",
        "model_version": "old",
        **{f"{name}_quality": 0.0 for name in ("stress", "face", "voice")},
        **{f"{name}_reason": "no_face" for name in ("stress", "face", "voice")},
        **{f"{name}_age_s": 0.0 for name in ("stress", "face", "voice")},
    }
    columns, values = ", ".join(old), ", ".join(f":{name}" for name in old)
    async with database.write() as connection:
        for statement in (
            *_INTERVIEW,
            "INSERT INTO sessions VALUES ('s', 'i', 'p', '2026-11-20', NULL, 'ended', '', NULL, NULL, NULL, 'old')",
        ):
            await connection.execute(text(statement))
        await connection.execute(text(f"INSERT INTO estimates ({columns}) VALUES ({values})"), old)
    await migrate(database)
    async with database.read() as connection:
        (estimate,) = await find_estimates(connection, "s")
    assert estimate.levels == estimate.eyes == Shares(shares=None, quality=0.0, reason=Reason.GAP, age_s=0.0)
    await database.close()
