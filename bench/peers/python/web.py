"""Flask with Celery on Redis and a row in PostgreSQL: the row and then the task are on disk before the 202."""
import json

from flask import Flask, Response, request
from settings import open_pool
from tasks import provision

flask = Flask(__name__)
pool = None


def connections():
    # Made in the process that uses it: gunicorn forks.
    global pool
    if pool is None:
        pool = open_pool(16)
    return pool


def answer(status, body, **headers):
    return Response(json.dumps(body), status, headers, mimetype="application/json")


@flask.post("/jobs")
def accept():
    body = request.get_json()
    if not isinstance(body.get("plan"), str) or not isinstance(body.get("billingcode"), str):
        return answer(400, {"error": "plan and billingcode are required"})
    with connections().connection() as connection:
        row = connection.execute(
            "insert into jobs (plan, billing_code, state) values (%s, %s, 'queued') returning id",
            (body["plan"], body["billingcode"]),
        ).fetchone()
    provision.delay(row[0])
    return answer(202, {"id": str(row[0]), "state": "queued"}, Location=f"/jobs/{row[0]}")


@flask.get("/jobs/<int:number>")
def look(number):
    with connections().connection() as connection:
        row = connection.execute("select state from jobs where id = %s", (number,)).fetchone()
    if row is None:
        return answer(404, {"error": "no such job"})
    return answer(200, {"id": str(number), "state": row[0]})
