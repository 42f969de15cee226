"""Candidates are not asked any more to agree to a recording, for none is made: the answers go."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.execute(sa.text("DELETE FROM consents WHERE kind = 'recording'"))
