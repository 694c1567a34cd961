import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventsTopic, OverviewTopic, ProcessesTopic, QueuesTopic, RunningTopic, ShownEvent } from '../../lib/dashboard/answers.js';
import { streamUrl } from './api.js';

export interface LiveTopics {
  readonly overview?: OverviewTopic;
  readonly queues?: QueuesTopic;
  readonly processes?: ProcessesTopic;
  readonly running?: RunningTopic;
}

/** `refused`: the server does not take this page any more, and somebody has to do something. */
export type LiveStatus = 'connecting' | 'live' | 'paused' | 'lost';

export interface Live {
  readonly topics: LiveTopics;
  /** The last events, newest first. */
  readonly events: readonly ShownEvent[];
  readonly dropped: number;
  /** Why no events are heard. */
  readonly eventsProblem?: string;
  readonly status: LiveStatus;
}

const NAMES = ['overview', 'queues', 'processes', 'running'] as const;
const MOST_EVENTS = 500;
/** The browser tries again by itself after a lost line, and not after an answer that is no stream. */
const RETRY_MS = 3_000;
const NOTHING: Live = { topics: {}, events: [], dropped: 0, status: 'connecting' };

/** Updates of these topics while the page is seen and not paused. What was seen last stays. */
export function useLive(dispatcher: string, topics: string, paused: boolean): Live {
  const [live, setLive] = useState<Live>(NOTHING);
  const isVisible = useVisible();
  const of = useRef(dispatcher);
  useEffect(() => {
    if (of.current !== dispatcher) setLive(NOTHING);
    of.current = dispatcher;
  }, [dispatcher]);
  useEffect(() => {
    if (dispatcher === '') return undefined;
    if (paused || !isVisible) {
      setLive((last) => ({ ...last, status: 'paused' }));
      return undefined;
    }
    return follow(streamUrl(dispatcher, topics.split(',')), (change) => setLive(change));
  }, [dispatcher, topics, paused, isVisible]);
  return live;
}

function follow(url: string, tell: (change: (last: Live) => Live) => void): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    source = new EventSource(url);
    source.onopen = () => tell((last) => ({ ...last, status: 'live' }));
    source.onerror = () => {
      tell((last) => ({ ...last, status: 'lost' }));
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    };
    for (const name of NAMES) {
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        const topic: unknown = JSON.parse(data);
        tell((last) => ({ ...last, status: 'live', topics: { ...last.topics, [name]: topic } }));
      });
    }
    source.addEventListener('events', ({ data }: MessageEvent<string>) => {
      const { events, dropped, problem } = JSON.parse(data) as EventsTopic;
      tell(({ eventsProblem: _before, ...last }) => ({ ...last, ...(problem === undefined ? {} : { eventsProblem: problem }), dropped: last.dropped + dropped, events: [...events.toReversed(), ...last.events].slice(0, MOST_EVENTS) }));
    });
  };
  tell((last) => ({ ...last, status: 'connecting' }));
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

function useVisible(): boolean {
  const [isVisible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const onChange = (): void => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, []);
  return isVisible;
}
