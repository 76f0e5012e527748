"""The exception for errors that users can act on."""


class EmbeddedError(Exception):
    """An error whose message names the object, what was expected and what to do.

    The command line prints the message without a traceback.
    """
