"""What the region of the eyes says. Estimates from before have nothing: their columns stay empty."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    for part in ("angry", "fear", "happy", "neutral", "sad", "surprise", "quality"):
        op.add_column("estimates", sa.Column(f"eyes_{part}", sa.Double(), nullable=True))
    op.add_column("estimates", sa.Column("eyes_reason", sa.String(length=20), nullable=True))
    op.add_column("estimates", sa.Column("eyes_age_s", sa.Double(), nullable=True))
