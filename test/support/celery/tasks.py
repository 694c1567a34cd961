"""The peer of test/integration/celery-interop.test.ts: a worker of Celery, and a sender of random tasks."""
import json
import os
import sys

from celery import Celery, chain, signature
from kombu import Exchange, Queue

OURS = os.environ["OURS"]
THEIRS = os.environ["THEIRS"]

app = Celery("peer", broker=os.environ["BROKER"])
app.conf.update(
    task_serializer="json", accept_content=["json"], task_ignore_result=True, broker_connection_retry_on_startup=True,
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


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2])
    else:
        app.worker_main(["worker", "-c", "2", "-P", "threads", "-Q", THEIRS, "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"])
