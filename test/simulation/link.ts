import { Lane, NOBODY } from './lane.js';
import type { World } from './world.js';

/** A connection from a process to a server. What either side has said is on its way until it arrives, in its order, or is lost. */
export class Link {
  private readonly out: Lane;
  private readonly in: Lane;
  private isCut = false;

  /** @param name for the trace */
  constructor(private readonly world: World, readonly owner: number, readonly name: string) {
    this.out = new Lane(world, NOBODY);
    this.in = new Lane(world, owner);
  }

  /** To the server. */
  send(what: string, run: () => void): void {
    if (!this.isCut) this.out.push(`${this.name} ${this.owner} > ${what}`, run);
  }

  /** To the process. */
  answer(what: string, run: () => void): void {
    if (!this.isCut) this.in.push(`${this.name} ${this.owner} < ${what}`, run);
  }

  /**
   * Lost: some of what is on its way still arrives, on either side, and then each of them finds out. A side that has not
   * goes on speaking to nobody.
   */
  cut(server: () => void, client: () => void): void {
    if (this.isCut) return;
    const { chance } = this.world;
    this.out.truncate(chance.between(0, this.out.length));
    this.in.truncate(chance.between(0, this.in.length));
    this.out.push(`${this.name} ${this.owner} > gone`, server);
    this.in.push(`${this.name} ${this.owner} < gone`, client);
    this.isCut = true;
  }

  /** Its process is dead: nothing arrives there any more. */
  die(server: () => void): void {
    this.cut(server, () => undefined);
    this.in.truncate(0);
  }
}
