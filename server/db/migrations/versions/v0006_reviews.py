"""What a language model said about the wording of answers, where an interviewer asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("asked_s", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("clarity", sa.String(length=20), nullable=True),
        sa.Column("clarity_reason", sa.Text(), nullable=True),
        sa.Column("structure", sa.String(length=20), nullable=True),
        sa.Column("structure_reason", sa.Text(), nullable=True),
        sa.Column("quotes", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_reviews_session_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_session_id", "reviews", ["session_id"])
