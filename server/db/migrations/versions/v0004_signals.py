"""Signals beside the score. Estimates from before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.add_column("estimates", sa.Column("signals", sa.JSON(), nullable=True))
