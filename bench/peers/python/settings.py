"""What the HTTP server and the worker share."""
import os

import psycopg_pool
from celery import Celery

REDIS = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"
POSTGRES = f"host=127.0.0.1 port={os.environ['PGPORT']} user=bench dbname=bench"

app = Celery("bench", broker=REDIS)
app.conf.update(
    task_ignore_result=True,  # the row is the result
    task_acks_late=True,  # a worker that dies loses nothing
    worker_prefetch_multiplier=16,
    broker_connection_retry_on_startup=True,
    broker_pool_limit=64,
)


def open_pool(size):
    return psycopg_pool.ConnectionPool(
        POSTGRES, min_size=size, max_size=size, kwargs={"autocommit": True, "prepare_threshold": 1}
    )
