import { describe, expect, it } from 'vitest';
import { firstOf } from '../support/present.js';
import { postTask, serveSampleApp } from '../support/sample-app.js';
import { eventually } from '../support/wait.js';

interface Reply {
  status: number;
  body: unknown;
}

describe.each(['embedded', 'rabbitmq'] as const)('the sample app is looked after over HTTP, on %s', (kind) => {
  const served = serveSampleApp(kind, 'sample-control');
  const queue = `${served.prefix}.tasks`;

  async function call(method: string, path: string, body?: object): Promise<Reply> {
    const response = await fetch(`${served.api}${path}`, { method, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) as unknown };
  }

  async function deadLetters(): Promise<{ id: string; reason: string; error: string; args: unknown[] }[]> {
    return ((await call('GET', `/queues/${queue}/dead-letters`)).body as { letters: never }).letters;
  }

  it('lists a dead letter with its arguments and its reason, replays it under its uuid, and discards it', async () => {
    const { body: { uuid } } = await postTask(served.api, { name: 'fail', args: [{ type: 'string', value: 'on purpose' }] });
    const [letter] = firstOf(await eventually(deadLetters, (letters) => letters.length === 1, 'a dead letter'), 1);
    expect(letter).toMatchObject({ id: uuid, reason: 'failed', error: 'Error: on purpose', args: [{ type: 'string', value: 'on purpose' }] });
    expect(await call('POST', `/queues/${queue}/dead-letters/${letter.id}/replay`)).toEqual({ status: 202, body: undefined });
    const [again] = firstOf(await eventually(deadLetters, ([first]) => (first as { replays?: number } | undefined)?.replays === 1, 'the dead letter again'), 1);
    expect(again.id).toBe(uuid);
    expect(await call('DELETE', `/queues/${queue}/dead-letters/${letter.id}`)).toEqual({ status: 204, body: undefined });
    expect(await deadLetters()).toEqual([]);
    expect(await call('GET', `/queues/${queue}/dead-letters/${letter.id}`)).toMatchObject({ status: 404, body: { code: 'ERR_SAMPLE_NO_DEAD_LETTER' } });
  });

  it('pauses and resumes a queue, and says who paused it', async () => {
    expect((await call('PUT', `/queues/${queue}/pause`, { by: 'ann', reason: 'the database moves' })).status).toBe(204);
    await postTask(served.api, { name: 'task_1', args: [{ type: 'string', value: 'paused' }, { type: 'int', value: 1 }] });
    const waiting = async (): Promise<Record<string, unknown> | undefined> =>
      ((await call('GET', '/queues')).body as Record<string, unknown>[]).find(({ name }) => name === queue);
    expect(await eventually(waiting, (view) => view?.waiting === 1, 'a waiting task')).toMatchObject({ paused: { by: 'ann', reason: 'the database moves' } });
    expect((await call('DELETE', `/queues/${queue}/pause`)).status).toBe(204);
    await served.app.line(/got the string "paused"/);
    expect((await call('PUT', `/queues/${queue}/pause`, { by: 'ann' })).status).toBe(400);
    expect(await call('PUT', '/queues/nowhere/pause', { by: 'ann', reason: 'x' })).toMatchObject({ status: 404, body: { code: 'ERR_SAMPLE_NO_QUEUE' } });
    expect((await call('GET', '/queues/nowhere/dead-letters')).status).toBe(404);
  });

  it('takes a task with a delay, and refuses one that makes no sense', async () => {
    expect((await postTask(served.api, { name: 'task_1', delaySeconds: 0.2, args: [{ type: 'string', value: 'later' }, { type: 'int', value: 1 }] })).status).toBe(202);
    await served.app.line(/got the string "later"/);
    expect(await postTask(served.api, { name: 'task_1', delaySeconds: -1 })).toMatchObject({ status: 422, body: { code: 'ERR_DISPATCHER_INVALID_TASK' } });
  });

  it('tells state, timeline and result of a task, also of one that ran in a thread', async () => {
    const { body: { uuid } } = await postTask(served.api, { name: 'primes', args: [{ type: 'int', value: 30_000 }] });
    const look = async (): Promise<Record<string, unknown>> => (await call('GET', `/tasks/${uuid as string}`)).body as never;
    const view = await eventually(look, ({ state }) => state === 'succeeded', 'the end of the task');
    expect(view).toMatchObject({ uuid, name: 'primes', attempt: 1, result: 3245 });
    const states = (view.timeline as { state: string; worker?: string }[]).map(({ state }) => state);
    expect(states).toEqual(['published', 'received', 'started', 'succeeded']);
    expect(await call('GET', '/tasks/no-such-task')).toMatchObject({ status: 404, body: { code: 'ERR_SAMPLE_UNKNOWN_TASK' } });
  });

  it('tells of a task that failed', async () => {
    const { body: { uuid } } = await postTask(served.api, { name: 'flaky', args: [{ type: 'int', value: 1 }] });
    const look = async (): Promise<Record<string, unknown>> => (await call('GET', `/tasks/${uuid as string}`)).body as never;
    const view = await eventually(look, ({ state }) => state === 'succeeded', 'the end of the retried task');
    expect((view.timeline as { state: string }[]).map(({ state }) => state)).toContain('retrying');
    const failing = (await postTask(served.api, { name: 'fail', args: [{ type: 'string', value: 'so be it' }] })).body.uuid as string;
    const failed = async (): Promise<Record<string, unknown>> => (await call('GET', `/tasks/${failing}`)).body as never;
    expect(await eventually(failed, ({ state }) => state === 'failed', 'the failure')).toMatchObject({ error: { name: 'Error', message: 'so be it' } });
  });

  it('tells where the counting is, that it cannot be called off any more, and that there is no other workflow', async () => {
    const line = await served.app.line(/GET \/workflows\//);
    const path = /\/workflows\/[0-9a-f-]{36}/.exec(line)?.[0] as string;
    expect(await call('GET', path)).toMatchObject({ status: 200, body: { status: 'succeeded', root: { status: 'succeeded' } } });
    const unknown = { status: 404, body: { statusCode: 404, code: 'ERR_SAMPLE_UNKNOWN_WORKFLOW' } };
    expect(await call('DELETE', path)).toMatchObject(unknown);
    for (const method of ['GET', 'DELETE']) expect(await call(method, '/workflows/00000000-0000-4000-8000-000000000000')).toMatchObject(unknown);
  });

  it('lists its schedules, adds, triggers, pauses and removes them', async () => {
    const list = async (): Promise<Record<string, unknown>[]> => (await call('GET', '/schedules')).body as never;
    expect(await list()).toEqual([expect.objectContaining({ name: 'tidy_up', source: 'decorator', cron: '*/5 * * * *' })]);
    const nightly = { name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin', task: { name: 'task_1', args: [{ type: 'string', value: 'tick' }, { type: 'int', value: 7 }] } };
    expect(await call('POST', '/schedules', nightly)).toEqual({ status: 201, body: { name: 'nightly' } });
    expect((await call('POST', '/schedules', { ...nightly, cron: '0 4 * * *' })).status).toBe(409);
    expect((await call('POST', '/schedules', { ...nightly, cron: 'at noon' })).status).toBe(422);
    expect((await call('POST', '/schedules/nightly/trigger')).status).toBe(202);
    await served.app.line(/got the string "tick" and the int 7/);
    expect((await call('PUT', '/schedules/nightly/pause', { by: 'ann', reason: 'not now' })).status).toBe(204);
    expect((await list()).find(({ name }) => name === 'nightly')).toMatchObject({ paused: { by: 'ann', reason: 'not now' } });
    expect((await call('DELETE', '/schedules/nightly')).status).toBe(204);
    expect((await call('POST', '/schedules/nightly/trigger')).status).toBe(404);
    expect(await list()).toHaveLength(1);
  });

  it('runs what is urgent before what is not', async () => {
    await call('PUT', `/queues/${queue}/pause`, { by: 'ann', reason: 'order' });
    for (let n = 0; n < 5; n++) await postTask(served.api, { name: 'slow', args: [{ type: 'float64', value: 0.5 }] });
    await postTask(served.api, { name: 'task_1', priority: 'high', args: [{ type: 'string', value: 'urgent' }, { type: 'int', value: 1 }] });
    await call('DELETE', `/queues/${queue}/pause`);
    await served.app.line(/got the string "urgent"/);
    const done = (): number => served.app.lines.all.filter((line) => line.includes('done after 0.5 s')).length;
    expect(done()).toBeLessThan(5);
    await eventually(() => Promise.resolve(done()), (count) => count === 5, 'the others');
  });

  it('takes one of two with the same key, and says which', async () => {
    const rebuild = { name: 'slow', args: [{ type: 'float64', value: 1 }], unique: { scope: 'untilFinished', key: 'rebuild' } };
    const first = await postTask(served.api, rebuild);
    expect(first).toMatchObject({ status: 202, body: { unique: { taken: true } } });
    expect(await postTask(served.api, rebuild)).toMatchObject({ status: 202, body: { uuid: first.body.uuid, unique: { taken: false, uuid: first.body.uuid } } });
  });

  it('calls off a task that waits, and one that runs', async () => {
    const look = async (uuid: unknown): Promise<unknown> => ((await call('GET', `/tasks/${uuid as string}`)).body as { state?: string }).state;
    const waiting = (await postTask(served.api, { name: 'slow', delaySeconds: 1, args: [{ type: 'int', value: 9 }] })).body.uuid;
    const running = (await postTask(served.api, { name: 'slow', args: [{ type: 'float64', value: 8.5 }] })).body.uuid;
    await served.app.line(/works for 8.5 s/);
    for (const uuid of [waiting, running]) expect((await call('DELETE', `/tasks/${uuid as string}`)).status).toBe(202);
    for (const uuid of [waiting, running]) await eventually(() => look(uuid), (state) => state === 'cancelled', 'its end');
    expect(served.app.lines.all.some((line) => line.includes('works for 9 s'))).toBe(false);
  });

  it('purges what waits', async () => {
    await call('PUT', `/queues/${queue}/pause`, { by: 'ann', reason: 'purge' });
    for (let n = 0; n < 3; n++) await postTask(served.api, { name: 'slow', args: [{ type: 'int', value: 9 }] });
    expect(await call('DELETE', `/queues/${queue}/tasks`)).toEqual({ status: 200, body: { purged: 3 } });
    await call('DELETE', `/queues/${queue}/pause`);
  });
});
