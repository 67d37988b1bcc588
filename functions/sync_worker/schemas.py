"""SQS's event, and the answer that tells SQS which messages to deliver again."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.runtime.correlation import KEY


class Attributes(BaseModel):
    """What SQS says of a message."""

    model_config = ConfigDict(extra="ignore")

    receive_count: Annotated[int, Field(validation_alias="ApproximateReceiveCount")] = 1


class MessageAttribute(BaseModel):
    """What the sender has said beside the message."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    string_value: Annotated[str | None, Field(validation_alias="stringValue")] = None


class Record(BaseModel):
    """One message. Its body is anybody's who may write to the queue."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    message_id: Annotated[str, Field(validation_alias="messageId", min_length=1)]
    body: str
    attributes: Attributes = Attributes()
    message_attributes: Annotated[
        dict[str, MessageAttribute], Field(validation_alias="messageAttributes", default_factory=dict)
    ]

    @property
    def correlation_id(self) -> str | None:
        """The id of the request that the message comes from, if its sender has said so."""
        attribute = self.message_attributes.get(KEY)
        return None if attribute is None else attribute.string_value


class Event(BaseModel):
    """A batch."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    records: Annotated[list[Record], Field(validation_alias="Records")]


def make_answer(failed: list[str]) -> dict[str, Any]:
    """What the event source mapping reads: it deletes every message but these."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
