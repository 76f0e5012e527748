"""Compares the rows of a restored database with the census of the backup, in pure functions."""

# Enough sentences to see what is wrong; a lost table would be in one for each workspace.
MOST_SENTENCES = 40


def differences(census, found):
    """Differences of the restored database from the census, one sentence each.

    Both are dictionaries: table, then workspace, then number of rows and hash. Rows of no workspace are listed under an empty name.
    """
    sentences = []
    for table in sorted(census.keys() | found.keys()):
        if table not in found:
            sentences.append(f"table {table} of the census is not in the restored database")
            continue
        if table not in census:
            sentences.append(f"table {table} of the restored database is not in the census")
            continue
        for workspace in sorted(census[table].keys() | found[table].keys()):
            expected, there = census[table].get(workspace, [0, "0"]), found[table].get(workspace, [0, "0"])
            if list(expected) != list(there):
                sentences.append(f"{_place(table, workspace)}: {_difference(expected, there)}")
    if (more := len(sentences) - MOST_SENTENCES) > 0:
        sentences = [*sentences[:MOST_SENTENCES], f"and {more} more tables of workspaces differ"]
    return sentences


def by_workspace(found):
    """Number of rows and a hash over all tables for each workspace."""
    totals = {}
    for table in sorted(found):
        for workspace, (rows, digest) in found[table].items():
            total = totals.setdefault(workspace, [0, 0])
            total[0] += rows
            total[1] += int(digest)
    return {workspace: [rows, str(digest)] for workspace, (rows, digest) in sorted(totals.items())}


def _place(table, workspace):
    return f"table {table} of workspace {workspace}" if workspace else f"rows of no workspace in table {table}"


def _difference(expected, there):
    if expected[0] != there[0]:
        return f"{there[0]} rows, and the census has {expected[0]}"
    return f"{there[0]} rows as in the census, but with hash {there[1]} instead of {expected[1]}"
