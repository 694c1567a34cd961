import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { FileCount } from './count-words-in-file.js';

/** One file has been dealt with here: counted, or found unreadable. */
export interface CountEvent {
  uuid: string;
  worker: string;
  path: string;
  count?: FileCount;
  problem?: string;
}

/** Carries counts from the handler to whoever sums them up in this process. */
@Injectable()
export class CountEvents extends Subject<CountEvent> {}
