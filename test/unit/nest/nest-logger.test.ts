import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { nestLogger } from '../../../lib/nest/nest-logger.js';

describe('the logger where none is configured', () => {
  it('writes to the logger of Nest by default, under the name of the dispatcher', () => {
    const written = vi.spyOn(Logger.prototype, 'log').mockImplementation(function log(this: Logger) { contexts.push(this['context']); });
    const contexts: (string | undefined)[] = [];
    try {
      nestLogger('default').log('x');
      nestLogger('orders').log('x');
    } finally {
      written.mockRestore();
    }
    expect(contexts).toEqual(['Dispatcher', 'Dispatcher:orders']);
  });
});
