import type { IncomingMessage } from 'node:http';
import { within } from '../../time/within.js';
import { Refusal } from '../http/refusal.js';
import type { CheckedOptions, DashboardAccess, DashboardAuthentication, DashboardUser } from '../options.js';
import { requireLoopback } from './request-origin.js';

/** Who has not answered by then lets nobody in. */
const ASKING_MS = 10_000;
const MOST_NAME = 200;

/** Says who asks, and what they may. What goes wrong on the way is a no. */
export class Gatekeeper {
  constructor(private readonly options: Pick<CheckedOptions, 'authenticate' | 'authorize' | 'insecure' | 'readOnly'>, private readonly problem: (text: string, error: unknown) => void) {}

  /** @throws Refusal, for nobody that is known */
  async admit(request: IncomingMessage): Promise<DashboardUser> {
    const { authenticate, insecure } = this.options;
    if (insecure) {
      requireLoopback(request);
      return { name: 'somebody on this machine' };
    }
    const answer = authenticate === undefined ? undefined : await this.ask('authenticate', async () => authenticate(request));
    return userOf(answer);
  }

  /** @throws Refusal */
  async require(user: DashboardUser, access: DashboardAccess): Promise<void> {
    if (await this.may(user, access)) return;
    const what = access.role === 'look' ? 'look at' : 'act on';
    throw new Refusal(403, 'FORBIDDEN', `${user.name} may not ${what} the dispatcher "${access.dispatcher}"${this.options.readOnly && access.role === 'act' ? ': this dashboard is read-only' : ''}.`);
  }

  async may(user: DashboardUser, access: DashboardAccess): Promise<boolean> {
    const { authorize, readOnly } = this.options;
    if (access.role === 'act' && readOnly) return false;
    if (authorize === undefined) return true;
    // Nothing but true: who returns a text or a record by mistake has not said yes.
    return await this.ask('authorize', async () => authorize(user, access)) === true;
  }

  private async ask<T>(name: string, question: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await within(ASKING_MS, question().then((value) => ({ value })));
      if (answer === undefined) throw new Error(`no answer within ${ASKING_MS / 1000} s`);
      return answer.value;
    } catch (error) {
      this.problem(`${name} of the dashboard failed, so nobody is let in`, error);
      throw new Refusal(500, 'AUTHENTICATION_FAILED', `It could not be found out who you are, or what you may: ${name} failed. The log of the application says why.`);
    }
  }
}

/** @throws Refusal */
function userOf(answer: DashboardAuthentication): DashboardUser {
  if (typeof answer === 'object' && answer !== null) {
    if ('redirect' in answer && typeof answer.redirect === 'string') throw new Refusal(302, 'SIGN_IN', 'Sign in first.', { Location: answer.redirect });
    if ('challenge' in answer && typeof answer.challenge === 'string') throw new Refusal(401, 'SIGN_IN', 'Sign in first.', { 'WWW-Authenticate': answer.challenge });
    if ('name' in answer && typeof answer.name === 'string' && answer.name !== '') return { ...answer, name: answer.name.slice(0, MOST_NAME) };
  }
  throw new Refusal(401, 'UNKNOWN_USER', 'Nobody is signed in. Sign in to the application, and load this page again.');
}
