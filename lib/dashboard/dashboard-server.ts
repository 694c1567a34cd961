import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../task/error-text.js';
import { within } from '../time/within.js';
import { Gatekeeper } from './access/gatekeeper.js';
import { requireOwnPage, requireSameSite } from './access/request-origin.js';
import { setSecurityHeaders } from './access/security-headers.js';
import type { SessionAnswer } from './answers.js';
import { answerBytes, answerJson, refusalOf } from './http/answer.js';
import type { Assets } from './http/assets.js';
import { Fields } from './http/fields.js';
import { readFields } from './http/read-body.js';
import { badRequest, busy, notFound, Refusal } from './http/refusal.js';
import { TOPICS, UpdateStream, type TopicName } from './live/update-stream.js';
import type { CheckedOptions, DashboardUser } from './options.js';
import { runAction } from './panel/run-action.js';
import type { Panel } from './panel/panel.js';
import { READS } from './panel/reads.js';

const LONGEST_URL = 8_000;
/** A broker that is away holds answers back; whoever asked is told. */
const LONGEST_READ_MS = 15_000;
const MOST_REQUESTS = 64;
const MOST_STREAMS = 200;

export interface DashboardServerDependencies {
  readonly options: CheckedOptions;
  readonly panels: readonly Panel[];
  readonly assets: Assets;
  problem(text: string, error: unknown): void;
}

/** Answers what belongs to the dashboard, by Node's own requests and answers: whatever framework took them in. */
export class DashboardServer {
  private readonly gatekeeper: Gatekeeper;
  private readonly streams = new Set<UpdateStream>();
  private requests = 0;
  private isClosed = false;

  constructor(private readonly dependencies: DashboardServerDependencies) {
    this.gatekeeper = new Gatekeeper(dependencies.options, (text, error) => dependencies.problem(text, error));
  }

  /** @param path what stands behind the dashboard's own path, with a slash in front; empty where there is none */
  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    setSecurityHeaders(response);
    try {
      await this.answer(request, response, path);
    } catch (error) {
      this.refuse(request, response, path, error);
    }
  }

  /** Ends the streams, which would keep the application's server from closing. */
  close(): void {
    this.isClosed = true;
    for (const stream of this.streams) stream.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { method = '', url = '' } = request;
    if (url.length > LONGEST_URL) throw new Refusal(414, 'TOO_LONG', 'The address is too long.');
    const isAction = method === 'POST';
    if (!isAction && method !== 'GET' && method !== 'HEAD') throw new Refusal(405, 'METHOD', 'Only GET, HEAD and POST are answered here.', { Allow: 'GET, HEAD, POST' });
    if (isAction) requireOwnPage(request);
    else if (path.startsWith('/api/')) requireSameSite(request.headers);
    const user = await this.gatekeeper.admit(request);
    if (path.startsWith('/api/')) return this.counted(() => this.api(request, response, path.slice('/api/'.length), user));
    if (isAction) throw new Refusal(405, 'METHOD', 'There is nothing to be done at this address.', { Allow: 'GET, HEAD' });
    this.page(request, response, path);
  }

  private page(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (path === '') {
      // Relative, so that it is right behind whatever proxy: what is asked for from the page is below it.
      const last = this.dependencies.options.path.split('/').at(-1) as string;
      return answerBytes(request, response, 302, 'text/plain; charset=utf-8', Buffer.from(''), { Location: `./${last}/` });
    }
    const asset = this.dependencies.assets.get(path === '/' ? 'index.html' : path.slice(1));
    if (asset === undefined) throw notFound('There is nothing at this address.');
    answerBytes(request, response, 200, asset.type, asset.body);
  }

  private async counted(work: () => Promise<void>): Promise<void> {
    if (this.requests >= MOST_REQUESTS) throw busy('Too many pages ask at once. Try again in a moment.');
    this.requests++;
    try {
      await work();
    } finally {
      this.requests--;
    }
  }

  private async api(request: IncomingMessage, response: ServerResponse, path: string, user: DashboardUser): Promise<void> {
    if (path === 'session') return answerJson(request, response, 200, await this.session(user));
    const [name = '', what = '', action, ...more] = path.split('/').map(decoded);
    const panel = this.dependencies.panels.find((each) => each.name === name);
    if (panel === undefined || more.length > 0) throw notFound('There is no such dispatcher.');
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    if (request.method === 'POST') {
      if (what !== 'actions' || action === undefined) throw notFound('There is no such action.');
      await this.gatekeeper.require(user, { role: 'act', dispatcher: name, action });
      return answerJson(request, response, 200, await runAction(panel, action, new Fields(await readFields(request)), user.name));
    }
    await this.gatekeeper.require(user, { role: 'look', dispatcher: name });
    if (action !== undefined) throw notFound('There is nothing at this address.');
    if (what === 'stream') return this.stream(response, panel, query.get('topics') ?? '');
    answerJson(request, response, 200, await this.read(panel, what, query));
  }

  private async read(panel: Panel, what: string, query: URLSearchParams): Promise<unknown> {
    const read = Object.hasOwn(READS, what) ? READS[what] : undefined;
    if (read === undefined) throw notFound('There is nothing at this address.');
    query.sort();
    const found = await within(LONGEST_READ_MS, panel.answers.of(`${what}?${query.toString()}`, async () => read(panel, Fields.ofQuery(query))).then((answer) => ({ answer })));
    if (found === undefined) throw new Refusal(504, 'NO_ANSWER', `There was no answer within ${LONGEST_READ_MS / 1000} s; is the broker away?`);
    return found.answer;
  }

  private stream(response: ServerResponse, panel: Panel, names: string): void {
    const topics = names.split(',').filter((name): name is TopicName => (TOPICS as readonly string[]).includes(name));
    if (topics.length === 0) throw badRequest(`Name topics of ${TOPICS.join(', ')}.`);
    if (this.streams.size >= MOST_STREAMS || this.isClosed) throw busy('Too many pages are open. Close one, and load this one again.');
    // Both know each other: it may be over before it is kept.
    let isOver = false;
    const stream: UpdateStream = new UpdateStream(response, panel, topics, () => {
      isOver = true;
      this.streams.delete(stream);
    });
    if (!isOver) this.streams.add(stream);
  }

  private async session(user: DashboardUser): Promise<SessionAnswer> {
    const { panels, options: { readOnly, insecure } } = this.dependencies;
    const dispatchers: SessionAnswer['dispatchers'][number][] = [];
    for (const { name } of panels) {
      if (!await this.gatekeeper.may(user, { role: 'look', dispatcher: name })) continue;
      dispatchers.push({ name, mayAct: await this.gatekeeper.may(user, { role: 'act', dispatcher: name }) });
    }
    return { user: user.name, dispatchers, readOnly, insecure };
  }

  private refuse(request: IncomingMessage, response: ServerResponse, path: string, error: unknown): void {
    const refusal = refusalOf(error);
    if (refusal === undefined) this.dependencies.problem(`The dashboard could not answer ${request.method} ${path.slice(0, 200)}: ${messageOf(error)}`, error);
    const { status, code, message, headers } = refusal ?? new Refusal(500, 'INTERNAL', 'Something went wrong; the log of the application says what.');
    // A script that is sent elsewhere would read a page that it cannot use.
    const isSentElsewhere = status === 302 && path.startsWith('/api/');
    answerJson(request, response, isSentElsewhere ? 401 : status, { code, message }, isSentElsewhere ? {} : headers);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('The address is not written as addresses are.');
  }
}
