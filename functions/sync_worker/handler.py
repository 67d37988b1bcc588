"""The worker: SQS calls it with up to ten messages."""

from typing import Any

from functions.sync_worker.batch import process
from functions.sync_worker.schemas import Event, make_answer
from shared.runtime.invocation import observed
from shared.runtime.lambda_context import LambdaContext


@observed
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Do the re-syncs of a batch. Answers which messages to deliver again."""
    records = Event.model_validate(event).records
    return make_answer(process(records, context.get_remaining_time_in_millis))
