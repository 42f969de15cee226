"""Three levels of stress from the face. Estimates from before have none: their columns stay empty."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    for name in ("level_low", "level_medium", "level_high", "level_quality"):
        op.add_column("estimates", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("estimates", sa.Column("level_reason", sa.String(length=20), nullable=True))
    op.add_column("estimates", sa.Column("level_age_s", sa.Double(), nullable=True))
