"""The plan of a stack: what an `up` would do, told to somebody who has to approve it."""
