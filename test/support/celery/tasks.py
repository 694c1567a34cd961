"""The peer of test/integration/celery-*.test.ts: a worker of Celery, a sender of random tasks, and one that waits for results."""
import itertools
import json
import os
import sys
import threading

from celery import Celery, chain, chord, group, signature
from celery.exceptions import TimeoutError
from kombu import Exchange, Queue

OURS = os.environ["OURS"]
THEIRS = os.environ["THEIRS"]

BACKEND = os.environ.get("BACKEND")

app = Celery("peer", broker=os.environ["BROKER"], backend=BACKEND)
app.conf.update(
    task_serializer="json", accept_content=["json"], task_ignore_result=BACKEND is None, task_acks_late=BACKEND is not None, task_reject_on_worker_lost=True, broker_connection_retry_on_startup=True,
    worker_enable_remote_control=False, worker_send_task_events=False, task_default_queue=THEIRS,
    task_queues=[Queue(name, Exchange(name, type="direct"), routing_key=name) for name in (OURS, THEIRS)],
)


@app.task(name="echo")
def echo(*args, **kwargs):
    """What it was given goes back, as a task of ours."""
    app.send_task("echoed", args=[json.dumps([list(args), kwargs])], queue=OURS)


@app.task(name="shared")
def shared(index):
    app.send_task("echoed", args=[json.dumps([[index], {}])], queue=OURS)


@app.task(name="py.double")
def double(value):
    return 2 * value


@app.task(name="py.add")
def add(*values):
    return sum(sum(value) if isinstance(value, list) else value for value in values)


HOLD = int(os.environ.get("HOLD", 0))
begun = itertools.count(1)


@app.task(name="py.border")
def border(*values):
    """The one of the number HOLD never ends, and says so: not by what the worker makes of its standard output."""
    if next(begun) == HOLD:
        os.write(1, b"held\n")
        threading.Event().wait()
    return add(*values)


@app.task(name="py.fails")
def fails():
    raise ValueError("it failed in Python")


@app.task(name="py.retried", bind=True, max_retries=3)
def retried(self, key):
    if self.request.retries < 1:
        raise self.retry(countdown=1, queue=OURS if key == "ours" else THEIRS)
    app.send_task("echoed", args=[json.dumps([[key, self.request.retries], {}])], queue=OURS)


def send(path):
    with open(path) as file:
        tasks = json.load(file)
    with app.connection_for_write() as connection:
        producer = app.amqp.Producer(connection)
        for task in tasks:
            queue = THEIRS if task["name"] == "shared" else OURS
            options = {key: task[key] for key in ("countdown", "expires", "task_id", "time_limit") if key in task}
            app.send_task(task["name"], args=task["args"], kwargs=task.get("kwargs", {}), queue=queue, producer=producer, **options)
        if tasks and tasks[0]["name"] == "shared":
            return
        chain(signature("ours.step", args=(3,), app=app, queue=OURS), signature("py.double", app=app, queue=THEIRS), signature("ours.end", app=app, queue=OURS)).apply_async()
        signature("ours.step", args=(5,), app=app, queue=OURS).apply_async(link=signature("ours.end", args=("linked",), app=app, queue=OURS))
        signature("ours.fails", app=app, queue=OURS, task_id="failed-1").apply_async(task_id="failed-1", link_error=signature("ours.end", args=("errback",), app=app, queue=OURS))
    print(len(tasks))


def made(task):
    return signature(task["name"], args=task.get("args", []), app=app, queue=task["queue"])


def wait(result):
    try:
        # Not propagated: it would raise at once what a task before this one has raised.
        value = result.get(timeout=50, propagate=False, disable_sync_subtasks=False)
    except TimeoutError as error:
        value = error
    failed = isinstance(value, BaseException)
    return {"id": result.id, "value": None if failed else value, "state": result.state, **({"error": [type(value).__name__, str(value)]} if failed else {})}


def wait_for(plan):
    tasks = [made(task) for task in plan["tasks"]]
    if plan["kind"] == "chord":
        last = chord(group(tasks), app=app)(made(plan["callback"]))
        results = [*last.parent.results, last]
    elif plan["kind"] == "chain":
        last = chain(*tasks, app=app).apply_async()
        results = [last]
        while results[0].parent is not None:
            results.insert(0, results[0].parent)
    else:
        results = group(tasks, app=app).apply_async().results
    print(json.dumps([wait(result) for result in results]))


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2])
    elif sys.argv[1] == "await":
        wait_for(json.load(sys.stdin))
    elif sys.argv[1] == "revoke":
        app.control.revoke(sys.argv[3:], terminate=sys.argv[2] == "true")
    else:
        app.worker_main(["worker", "-c", "2", "-P", "threads", "-Q", THEIRS, "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"])
