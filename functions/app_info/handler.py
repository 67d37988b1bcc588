"""/api/app-info: list, create, read, change, delete; secrets revealed, former values, .env files."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse

from functions.app_info.drift_schemas import DriftQuery, DriftReport
from functions.app_info.drift_service import DriftService
from functions.app_info.env_exports import LEFT_OUT, LEFT_OUT_COUNT, describe
from functions.app_info.env_service import EnvService
from functions.app_info.environment_service import EnvironmentService
from functions.app_info.schemas import (
    AppInfoChange,
    AppInfoCreate,
    AppInfoQuery,
    AppInfoReadFull,
    AppInfoUpdate,
    AppInfoVersions,
    EnvExportQuery,
    EnvImport,
    EnvImportReport,
    EnvironmentSet,
    RevealedValue,
    RevealQuery,
)
from functions.app_info.service import AppInfoService
from shared.entities.app_info import AppInfoListItem, AppInfoRead, Environment
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.bulk import Bulk, BulkAnswer, Deletion
from shared.resources.idempotency import Idempotency, created_response, note_replay
from shared.resources.lists import Page
from shared.runtime.request_log import is_head

router = APIRouter(prefix="/api/app-info", tags=["app info"], route_class=StrictRoute)

Service = Annotated[AppInfoService, Depends(AppInfoService.for_caller_or_token)]
Environments = Annotated[EnvironmentService, Depends(EnvironmentService.for_caller_or_token)]
EnvFiles = Annotated[EnvService, Depends(EnvService.for_caller_or_token)]
Drift = Annotated[DriftService, Depends(DriftService.for_caller)]
# Postgres' integer.
Number = Annotated[int, Path(ge=1, lt=2**31, description="Which of the entry's former values.")]


@router.get("")
async def list_app_info(query: Annotated[AppInfoQuery, Query()], service: Service) -> Page[AppInfoListItem]:
    """List app info.

    The value of a secret is not shown: it is read by its own `reveal`.
    """
    return service.get_page(query)


@router.post("", status_code=201)
async def create_app_info_entry(
    body: AppInfoCreate, key: Idempotency, service: Service, response: Response
) -> AppInfoRead:
    """Create an entry."""
    return created_response(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201)
async def bulk_create_app_info(
    bulk: Bulk[AppInfoCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[AppInfoListItem]:
    """Create up to 100 entries, all or none."""
    created = service.create_many(bulk, key)
    note_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 409: {}, 412: {}})
async def bulk_update_app_info(bulk: Bulk[AppInfoChange], service: Service) -> BulkAnswer[AppInfoListItem]:
    """Change up to 100 entries, all or none. A secret stops being one only by itself, or with a new value."""
    return BulkAnswer(items=service.update_many(bulk))


@router.delete("/bulk", status_code=204, responses={404: {}, 412: {}})
async def bulk_delete_app_info(bulk: Bulk[Deletion], service: Service) -> None:
    """Delete up to 100 entries with all values that they have had, all or none.

    They go into the trash as one set. An item that names a `version` is deleted in that version only.
    """
    service.delete_many(bulk)


@router.post("/import", responses={404: {}, 409: {}})
async def import_env_file(body: EnvImport, env_files: EnvFiles) -> EnvImportReport:
    """Import a file of environment variables into a product, all or nothing.

    A `.env` file is read as python-dotenv reads it, with `${NAME}` kept as it stands; `format` names another
    kind of file. Its keys take the order of its lines. `dry_run` writes nothing. No answer tells whether a
    stored secret has the value of its line.
    """
    return env_files.import_file(body)


@router.get(
    "/export",
    response_class=PlainTextResponse,
    responses={404: {}, 409: {}, 429: {}},
    openapi_extra={
        "responses": {
            "200": {
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "additionalProperties": {"type": "string"}}
                    }
                },
                "headers": {
                    LEFT_OUT_COUNT: {
                        "description": "How many entries of what was asked for are not in the file.",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 0},
                    },
                    LEFT_OUT: {
                        "description": "Their keys, percent-encoded, and why: `category` (not one of the "
                        "default's), `key` (of a credential or URL, and no name of a variable), "
                        "`secret` (and `include_secrets` is not true) or `no-value`. The first 4,000 bytes.",
                        "schema": {
                            "type": "string",
                            "examples": ["How%20to%20deploy;reason=category, API_TOKEN;reason=secret"],
                        },
                    },
                },
            }
        }
    },
)
async def export_env_file(query: Annotated[EnvExportQuery, Query()], env_files: EnvFiles) -> Response:
    """Export a product's values as a file.

    In the order of the product's entries, which is that of an imported file. Secrets are left out unless
    `include_secrets=true` asks for them; each is then recorded as revealed. A value that the format cannot
    carry is refused by its key, and then nothing is shown or recorded as revealed. `Forum-Left-Out-Count`
    says how many entries are not in the file, `Forum-Left-Out` which ones.
    """
    media_type = "application/json" if query.format == "json" else "text/plain"
    if query.include_secrets and is_head():
        # Nobody is shown the secrets, so that they are not opened and not on the record. The file's length is
        # not known then.
        answer = Response(media_type=media_type, headers=describe(env_files.find_left_out(query)))
        del answer.headers["content-length"]
        return answer
    file = env_files.export(query)
    return Response(file.content, media_type=media_type, headers=describe(file.left_out))


@router.get("/drift", responses={404: {}, 409: {}, 429: {}})
async def compare_with_env_examples(query: Annotated[DriftQuery, Query()], drift: Drift) -> DriftReport:
    """Compare a product's keys with the examples of `.env` files in its repositories on GitHub.

    Names only: no value of an example is kept or shown. A key with a value in the example is optional, and
    one in a comment is known. The token has to be allowed to read contents, else it is 403
    `github-contents-permission`.
    """
    return drift.get_report(query.product_id)


@router.get("/{app_info_id}", response_model=AppInfoReadFull)
async def get_app_info_entry(app_info_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read an entry with what is nested in it.

    Its product. The value of a secret is not shown: it is read by `reveal`.
    """
    return detail_response(service.get(app_info_id), seen)


@router.patch("/{app_info_id}", responses={409: {}, 429: {}})
async def update_app_info_entry(
    app_info_id: UUID, changes: AppInfoUpdate, versions: IfMatch, service: Service, response: Response
) -> AppInfoRead:
    """Change the fields that are sent, and no others.

    Turning `is_secret` on encrypts the value and leaves no plain copy. Turning it off shows the value from
    then on, and is recorded as a reveal.
    """
    return with_etag(response, service.update(app_info_id, changes, versions))


@router.delete("/{app_info_id}", status_code=204)
async def delete_app_info_entry(app_info_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete an entry, into the trash.

    All values that it has had go with it, those of a secret sealed as they are.
    """
    service.delete(app_info_id, versions)


@router.post("/{app_info_id}/reveal", responses={429: {}})
async def reveal_app_info_entry(
    app_info_id: UUID, query: Annotated[RevealQuery, Query()], service: Service
) -> RevealedValue:
    """Show the value of an entry. Of a secret this is recorded in its history."""
    return service.reveal(app_info_id, environment=query.environment)


@router.put("/{app_info_id}/environments/{environment}", responses={409: {}})
async def set_app_info_environment(  # noqa: PLR0913, PLR0917 - what FastAPI fills, one by one
    app_info_id: UUID,
    environment: Environment,
    body: EnvironmentSet,
    versions: IfMatch,
    environments: Environments,
    response: Response,
) -> AppInfoRead:
    """Give an entry a value for an environment.

    There it counts in place of the entry's own. It is as secret as the entry. The version is the entry's.
    """
    return with_etag(response, environments.set_environment(app_info_id, environment, body.value, versions))


@router.delete("/{app_info_id}/environments/{environment}", status_code=204)
async def remove_app_info_environment(
    app_info_id: UUID, environment: Environment, versions: IfMatch, environments: Environments
) -> None:
    """Let the entry's own value count in an environment again.

    The one that goes is among the entry's former values.
    """
    environments.remove_environment(app_info_id, environment, versions)


@router.get("/{app_info_id}/versions")
async def list_app_info_versions(app_info_id: UUID, service: Service) -> AppInfoVersions:
    """List the former values of an entry, without the values.

    The last 20 are kept. `reveal` of one shows it, `restore` brings it back.
    """
    return service.get_versions(app_info_id)


@router.post("/{app_info_id}/versions/{number}/reveal", responses={429: {}})
async def reveal_app_info_version(app_info_id: UUID, number: Number, service: Service) -> RevealedValue:
    """Show a former value of an entry. Of a secret this is recorded in its history."""
    return service.reveal(app_info_id, number)


@router.post("/{app_info_id}/versions/{number}/restore", responses={409: {}})
async def restore_app_info_version(
    app_info_id: UUID, number: Number, versions: IfMatch, service: Service, response: Response
) -> AppInfoRead:
    """Give an entry a former value back. The value that it has becomes a former one."""
    return with_etag(response, service.restore(app_info_id, number, versions))


handler = create_handler(create_app(router))
