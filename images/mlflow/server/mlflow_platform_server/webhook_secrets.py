"""Secrets of webhooks that cannot be decrypted, because the key that they were encrypted with is gone.

MLflow would fail to read the webhook at all, and with it every list that has it. Here the webhook is read, and is not
delivered: without a signature the receiver could not tell it from a forged one.
"""

from typing import Any

MESSAGE = (
    "the secret of this webhook cannot be decrypted, because the platform's key has changed since it was set: set the "
    "secret again"
)


class LostSecret(str):
    """Stands for a secret that cannot be decrypted; its text is empty."""

    __slots__ = ()


class LostSecretError(Exception):
    """A webhook is not delivered, because its secret is lost."""


def install(column: Any, undecryptable: type[Exception]) -> None:
    """Change how MLflow reads the encrypted column of webhooks.

    Args:
        column: MLflow's type of the column, `EncryptedString`.
        undecryptable: the error of a decryption with another key.
    """
    read = column.process_result_value

    def process_result_value(self: Any, value: Any, dialect: Any) -> Any:
        try:
            return read(self, value, dialect)
        except undecryptable:
            return LostSecret()

    column.process_result_value = process_result_value


def check(secret: object) -> None:
    """Check that a webhook can be signed.

    Raises:
        LostSecretError: its secret is lost.
    """
    if isinstance(secret, LostSecret):
        raise LostSecretError(MESSAGE)
