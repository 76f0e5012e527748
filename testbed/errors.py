"""The one exception a user of the embedded cluster is meant to read."""


class EmbeddedError(Exception):
    """A failure told in sentences: which object, what was expected, what to do.

    The command line prints its text without a traceback.
    """
