"""Serve on 0.0.0.0; the port comes from the PORT variable."""

import os

import uvicorn

uvicorn.run("service.app:app", host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))  # noqa: S104
