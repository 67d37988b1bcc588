"""What a cold start is compared with: the smallest function that FastAPI and Mangum make."""

from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/api/products")
async def say_hello() -> dict[str, str]:
    """Say hello."""
    return {"hello": "world"}


handler = Mangum(app, lifespan="off")
