import { expect, it } from 'vitest';
import { classifyRedisFailure } from '../../../lib/redis/redis-failure.js';

/** Regression: Redis 6.2 wraps what a command in a script failed with, so that a full server was taken for one that refuses the task. */
it('knows what a script failed with, as Redis 6.2 and later ones say it', () => {
  const text = "OOM command not allowed when used memory > 'maxmemory'.";
  const wrapped = `ERR Error running script (call to f_3b999d4cc851e242007005f75d0d982324f71da4): @user_script:73: @user_script: 73: -${text}`;
  for (const said of [wrapped, text]) expect(classifyRedisFailure(new Error(said))).toMatchObject({ kind: 'no-room', said: text });
  expect(classifyRedisFailure(new Error('ERR Error running script (call to f_00): @user_script:9: @user_script: 9: -READONLY You can\'t write against a read only replica.')).kind).toBe('not-now');
  expect(classifyRedisFailure(new Error('ERR Error running script (call to f_00): @user_script:9: user_script:9: attempt to index a nil value')).kind).toBe('reply');
});
