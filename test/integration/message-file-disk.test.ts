import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MessageFile } from '../../lib/cli/transfer/message-file.js';
import type { MovedMessage } from '../../lib/cli/transfer/message-line.js';
import { SmallDisk } from '../support/small-disk.js';

const HEAD = { exchange: 'x', queue: 'q', dead: false, exportedAt: 'now' };
const message = (id: string, bytes: number): MovedMessage => ({ queue: 'q', body: Buffer.alloc(bytes, id), properties: { messageId: id } });

describe('a file of messages on a full disk', () => {
  it('takes nothing more, and can be gone on with: what was certain is in it, and all else can still be written', async (context) => {
    const disk = SmallDisk.mount(1, context);
    onTestFinished(() => disk.remove());
    const path = join(disk.folder, 'f.jsonl');
    const file = await MessageFile.open(path, HEAD, false);
    expect(await file.add(message('first', 100))).toBe(true);
    // Of the two in one write the first fits; what comes meanwhile is written after them.
    const together = [file.add(message('a', 500_000)), file.add(message('b', 500_000))];
    await Promise.resolve();
    await Promise.resolve();
    const outcomes = await Promise.allSettled([...together, file.add(message('c', 100))]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(file.add(message('d', 100))).rejects.toMatchObject({ code: 'ENOSPC' });
    file.close();
    const again = await MessageFile.open(path, HEAD, true);
    // Whether the first of the two was there already depends on how much of it the disk took; it must not be lost or in the way.
    expect(await again.add(message('first', 100))).toBe(false);
    expect(await again.add(message('c', 100))).toBe(true);
    again.close();
    await MessageFile.open(path, HEAD, true).then((whole) => whole.close());
  });
});
