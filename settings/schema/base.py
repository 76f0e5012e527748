"""Base class of the sections of a stack file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic.alias_generators import to_camel


class UnknownValueError(Exception):
    """A rule has read a setting whose value is wrong or missing in the stack file."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a section in a stack file."""

    written: Mapping[str, object]
    """The whole stack file, without the values of its profile."""

    steps: tuple[str, ...] = ()
    """Keys from the top of the file to the section."""


class Model(BaseModel):
    """Strict model of a section: wrong types and unknown keys are errors. Keys in the file are in camel case."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, use_attribute_docstrings=True
    )

    _place: Place | None = PrivateAttr(default=None)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the value of any field
            """Raise for a field without a value, which only a section of a file with mistakes has."""
            if name in type(self).model_fields:
                raise UnknownValueError(name)
            return super().__getattr__(name)

    @classmethod
    def placed(cls, values: dict[str, object], place: Place | None, written: set[str]) -> Self:
        """A section with values that have been checked; fields without a value raise `UnknownValueError` when read.

        `written` is pydantic's `model_fields_set`, with the names of unknown keys too.
        """
        section = cls.model_construct(written)
        object.__setattr__(section, "__dict__", values)
        section._place = place  # noqa: SLF001 - its own
        return section

    def overridden(self, by: "Model") -> Self:
        """A copy of this section with the values that another one sets; wrong values of both stay unknown."""
        known = {name: value for name, value in vars(self).items() if name in vars(by)}
        own = {name: value for name, value in vars(by).items() if value is not None}
        return self.placed(known | own, self._place, self.model_fields_set)

    @property
    def place(self) -> Place:
        """The place of a section that `placed` has made.

        Raises:
            TypeError: pydantic has made the section, which then has no place.
        """
        if self._place is None:
            raise TypeError(f"{type(self).__name__} has no place in a stack file: read it with settings.partial")
        return self._place
