"""The HTTP interface. Every model is loaded once, when the server starts."""

from __future__ import annotations

import pickle
from pathlib import Path

from fastapi import FastAPI, Request
from magika import Magika
from pydantic import BaseModel, Field

from service.estimators import features
from service.router import TicketRouter

MODELS = Path(__file__).parent.parent / "models"

app = FastAPI(title="ticket service")
route = TicketRouter(MODELS / "ticket-router-tiny")
with (MODELS / "priority.pkl").open("rb") as handle:
    priority = pickle.load(handle)  # noqa: S301 - ships in the image, listed and signed with it
identify = Magika()  # its ONNX model comes inside the wheel


class Ticket(BaseModel):
    """What a customer wrote."""

    text: str = Field(min_length=1, max_length=10_000)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the models are loaded."""
    return {"status": "ok"}


@app.post("/tickets")
def tickets(ticket: Ticket) -> dict[str, object]:
    """Return the queue that a ticket belongs in, and how urgent it is."""
    scores = route(ticket.text)
    urgency = priority.predict([features(ticket.text)])[0]
    return {
        "queue": max(scores, key=lambda label: scores[label]),
        "scores": scores,
        "priority": urgency,
    }


@app.post("/attachments")
async def attachments(request: Request) -> dict[str, object]:
    """Return what kind of file the request's body is."""
    result = identify.identify_bytes(await request.body())
    return {"label": str(result.output.label), "score": round(float(result.score), 4)}
