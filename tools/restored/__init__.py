"""Commands that restore a backup in a pod of its own: `make prove`, and `make undelete` for the rows of one team."""
