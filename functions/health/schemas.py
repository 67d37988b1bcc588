"""What /health and /.well-known/forum answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Forum answers, and so does the database behind it."""

    status: Literal["ok"]
    commit: str | None = Field(
        description="The commit that is deployed, with `-dirty` for one with changes; null where nobody said."
    )


class SignInOptions(BaseModel):
    """What a client needs to sign a person in by Supabase."""

    supabase_url: str = Field(
        description="The Supabase project, whose `/auth/v1` signs people in.",
        examples=["https://abcdefghijklmnop.supabase.co"],
    )
    publishable_key: str = Field(
        description="The project's publishable key, to send as `apikey`.", examples=["sb_publishable_…"]
    )
    providers: list[Annotated[str, Field(examples=["github"])]] = Field(
        description="The ways to sign in that are turned on, by Supabase's names, such as `email`."
    )
