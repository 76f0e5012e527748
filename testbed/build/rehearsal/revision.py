"""An Alembic revision that exists only for the upgrade tests. It extends the schema and locks the table `runs`."""

import sqlalchemy as sa
from alembic import op

revision = "e2e000000001"
down_revision = "dc11669786a5"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "rehearsal",
        sa.Column("note", sa.String(length=50), primary_key=True),
        # The policy of the new table is derived from this column.
        sa.Column("workspace", sa.String(length=63), nullable=False),
    )
    op.add_column("runs", sa.Column("rehearsal", sa.String(length=50), nullable=True))
    op.create_index("index_runs_rehearsal", "runs", ["rehearsal"])
