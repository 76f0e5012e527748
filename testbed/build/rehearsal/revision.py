"""A schema revision that no MLflow release has, for the upgrade tests: it only adds to the schema, and locks `runs`."""

import sqlalchemy as sa
from alembic import op

revision = "e2e000000001"
down_revision = "dc11669786a5"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("rehearsal", sa.Column("note", sa.String(length=50), primary_key=True))
    op.add_column("runs", sa.Column("rehearsal", sa.String(length=50), nullable=True))
    op.create_index("index_runs_rehearsal", "runs", ["rehearsal"])
