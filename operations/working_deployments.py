"""Which deployments of a stage have passed the smoke test, in Parameter Store beside the stage's secrets.

osls's own list has every upload: what CloudFormation has refused, and what was taken back, as well.
"""

from collections.abc import Mapping, Sequence

from operations.parameters import get_parameter_name, open_parameter_store

NAME = "WORKING_DEPLOYMENTS"
# osls keeps the artifacts of five; some of these may be of one that ran again.
KEPT = 20


def read_working(stage: str, settings: Mapping[str, str]) -> Sequence[str]:
    """Their time stamps, the oldest first. Raises `ParameterStoreError`."""
    with open_parameter_store(settings) as ssm:
        found = ssm.get_parameters(Names=[get_parameter_name(stage, NAME)])["Parameters"]
    return found[0]["Value"].split(",") if found else []


def note_working(stage: str, settings: Mapping[str, str], deployment: str) -> None:
    """Adds one by its time stamp. Raises `ParameterStoreError`."""
    known = read_working(stage, settings)
    if deployment in known:
        return
    noted = sorted({*known, deployment}, key=int)[-KEPT:]
    with open_parameter_store(settings) as ssm:
        ssm.put_parameter(
            Name=get_parameter_name(stage, NAME), Value=",".join(noted), Type="StringList", Overwrite=True
        )
