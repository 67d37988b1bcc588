"""A body of GraphQL's: data, and what GitHub has to say about parts of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Complaint:
    """An error of an answer."""

    type: str
    message: str
    path: list[Any]
    is_saml: bool

    @classmethod
    def read(cls, error: object) -> Self:
        """An error, whatever else is in its place: it must not cost the answer that it comes with."""
        fields = error if isinstance(error, Mapping) else {}
        type_, message, path, extensions = map(fields.get, ("type", "message", "path", "extensions"))
        message = message if isinstance(message, str) else ""
        is_saml = isinstance(extensions, Mapping) and extensions.get("saml_failure") is True
        return cls(
            type_ if isinstance(type_, str) else "",
            message,
            path if isinstance(path, list) else [],
            is_saml or "SAML" in message,
        )


@dataclass(frozen=True)
class Body:
    data: Mapping[str, Any]
    errors: list[Complaint]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Data and errors, of which either may be absent."""
        data, errors = body.get("data"), body.get("errors")
        return cls(
            data if isinstance(data, Mapping) else {},
            [Complaint.read(error) for error in errors] if isinstance(errors, list) else [],
        )
