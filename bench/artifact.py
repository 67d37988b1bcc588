"""How large the artifact is that goes to Lambda."""

from pathlib import Path

from bench.line import Line
from operations.package import MAX_BYTES, Target, build

MEGABYTE = 1024 * 1024


def measure_artifact(folder: Path) -> Line:
    """Builds it."""
    artifact = folder / "lambda.zip"
    build(artifact, Target())
    size = artifact.stat().st_size
    return Line(
        "packaged artifact",
        "",
        f"{size / MEGABYTE:.1f} MB zipped",
        f"{MAX_BYTES // MEGABYTE} MB zipped",
        size <= MAX_BYTES,
    )
