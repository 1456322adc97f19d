"""N jobs that wait: their rows, and their tasks in the queue."""
import sys

import psycopg
from settings import POSTGRES, app
from tasks import provision

count = int(sys.argv[1])
with psycopg.connect(POSTGRES) as connection:
    rows = connection.execute(
        "insert into jobs (plan, billing_code, state) select 'small', 'bench', 'queued'"
        " from generate_series(1, %s) returning id",
        (count,),
    ).fetchall()
with app.connection_for_write() as connection, connection.Producer() as producer:
    for (number,) in rows:
        provision.apply_async((number,), producer=producer)
print("ready", flush=True)
