"""The worker's side: every change of state of a job is a commit."""
from settings import app, open_pool

pool = None


def connections():
    # Made in the process that uses it: Celery forks.
    global pool
    if pool is None:
        pool = open_pool(1)
    return pool


@app.task
def provision(number):
    with connections().connection() as connection:
        connection.execute("update jobs set state = 'running' where id = %s and state <> 'ready'", (number,))
        connection.execute("update jobs set state = 'ready' where id = %s", (number,))
