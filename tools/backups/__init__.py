"""Backups of the in-cluster PostgreSQL: commands that list, take and restore them (docs/backup.md)."""
