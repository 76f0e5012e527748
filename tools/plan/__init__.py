"""The plan of a stack: the effects of an `up`, described for the person who has to approve it."""
