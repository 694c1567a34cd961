import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';

/** One file has been dealt with in this process: counted, or found unreadable. */
export interface CountEvent {
  path: string;
}

/** Tells the progress bar of this process; what was counted travels as results. */
@Injectable()
export class CountEvents extends Subject<CountEvent> {}
