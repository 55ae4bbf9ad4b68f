"""A stand-in for an object store: moto's server of the S3 protocol, on loopback.

It answers one request after the other, so that a conditional put is one step there, as it is on a real store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import boto3
import pytest
import s3fs
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "clusters"


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """Within it the server is up and has an empty bucket; gives the environment that leads to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = environment(f"http://127.0.0.1:{server.port}")
    client(settings).create_bucket(Bucket=BUCKET)
    s3fs.S3FileSystem.clear_instance_cache()  # of the server of another test, which may have gone
    yield settings
    s3fs.S3FileSystem.clear_instance_cache()
    server.shutdown()
    server.server_close()


def empty_root(store: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of a root of a test's own. store: the environment that leads to the server, set until its end."""
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{request.node.name}/gii_data"


def environment(url: str) -> dict[str, str]:
    """What leads a client of S3 to an address, with no second try."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def client(settings: dict[str, str]) -> boto3.client:
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        region_name=settings["AWS_DEFAULT_REGION"],
    )
