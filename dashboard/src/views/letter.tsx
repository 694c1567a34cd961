import { useEffect, useState } from 'preact/hooks';
import type { DeadLetterDetail } from '../../../lib/dashboard/answers.js';
import { act } from '../api.js';
import { useScope } from '../parts/context.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Problem, Section } from '../parts/page.js';
import { Args, Badge, Facts, Stack, When } from '../parts/shown.js';
import { go } from '../route.js';
import { useRead } from '../use-read.js';
import { LetterActions } from './dead.js';

export function Letter() {
  const { dispatcher, params: { queue = '', id = '' } } = useScope();
  const { answer, problem } = useRead<DeadLetterDetail>(dispatcher, 'dead-letter', { queue, id }, 0);
  const back = (): void => go('dead', { dispatcher, queue });
  return (
    <Page title={`Dead letter ${answer?.name ?? ''}`} actions={answer !== undefined && <LetterActions queue={queue} id={id} name={answer.name} onDone={back} />}>
      <p><Link to="dead" params={{ queue }}>All dead letters of {queue}</Link></p>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Looking through the queue ...</Empty> : <Detail letter={answer} queue={queue} />}
    </Page>
  );
}

function Detail({ letter, queue }: { readonly letter: DeadLetterDetail; readonly queue: string }) {
  const { uuid, reason, error, problem, issues, at, worker, attempt, replays, exchange, routingKey, args, body, stack, headers, history, editable } = letter;
  return (
    <>
      <Facts facts={[
        ['Reason', <Badge state={reason} />], ['Uuid', uuid && <TaskLink uuid={uuid} />], ['Died', <When at={at} />], ['Queue', letter.queue], ['Worker', worker],
        ['Attempt', attempt], ['Replayed', `${replays}×`], ['Routing key', routingKey], ['Exchange', exchange],
      ]} />
      {error !== undefined && <p class="error-text card">{error}</p>}
      {problem !== undefined && <p class="error-text card">{problem}</p>}
      {issues.length > 0 && <ul>{issues.map((issue) => <li key={issue}>{issue}</li>)}</ul>}
      <Stack text={stack} />
      <Section title="Arguments">
        {body === undefined ? <Args args={args} whole /> : <pre class="block" tabIndex={0} aria-label="Body">{body}</pre>}
        {editable !== undefined && <Edit queue={queue} id={letter.id} text={editable} />}
      </Section>
      {history.length > 0 && (
        <Section title="Failed attempts">
          <ol class="timeline">{history.map((one, index) => <li key={index}><b>{one.attempt}</b> <span class="quiet"><When at={Date.parse(one.at)} /> in {one.worker}</span> <span class="error-text">{one.error}</span></li>)}</ol>
        </Section>
      )}
      {headers !== undefined && <Section title="Headers"><pre class="block" tabIndex={0} aria-label="Headers">{headers}</pre></Section>}
    </>
  );
}

/** Arguments as text, so that every integer stays as it was written. */
function Edit({ queue, id, text }: { readonly queue: string; readonly id: string; readonly text: string }) {
  const { dispatcher, mayAct, notify } = useScope();
  const [edited, setEdited] = useState(text);
  const [problem, setProblem] = useState<string>();
  useEffect(() => setEdited(text), [text]);
  if (!mayAct) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    act(dispatcher, 'replay', { queue, id, args: edited }).then((answer) => {
      notify(answer);
      go('dead', { dispatcher, queue });
    }, (error: Error) => setProblem(error.message));
  };
  return (
    <details>
      <summary>Edit and replay</summary>
      <form onSubmit={submit} class="stack">
        <label>Arguments as JSON
          <textarea class="mono" rows={Math.min(20, edited.split('\n').length + 1)} value={edited} spellcheck={false} onInput={({ currentTarget }) => setEdited(currentTarget.value)} />
        </label>
        <Problem text={problem} />
        <div class="buttons"><button type="submit" class="primary">Replay with these arguments</button></div>
      </form>
    </details>
  );
}
