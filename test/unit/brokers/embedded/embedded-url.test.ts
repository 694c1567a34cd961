import { describe, expect, it } from 'vitest';
import { parseEmbeddedUrl } from '../../../../lib/brokers/embedded/embedded-url.js';
import { ConfigurationError } from '../../../../lib/errors.js';

describe('parseEmbeddedUrl', () => {
  it.each([
    ['embedded:', { location: undefined }],
    ['EMBEDDED:', { location: undefined }],
    ['embedded:#jobs', { location: undefined, name: 'jobs' }],
    ['embedded:./folder', { location: './folder' }],
    ['embedded:folder with blanks', { location: 'folder with blanks' }],
    ['embedded:/var/lib/tasks', { location: '/var/lib/tasks' }],
    ['embedded:./a#b', { location: './a#b' }],
    ['embedded:C:\\tasks', { location: 'C:\\tasks' }],
  ])('reads %s', (url, expected) => {
    expect(parseEmbeddedUrl(url)).toEqual(expected);
  });

  it.each(['', 'amqp://localhost', 'embedded', ' embedded:', 'embedded://host/folder', 'embedded:///folder', 'embedded:#', 'embedded:# ', 'embedded:  ', 'embedded:a\0b'])(
    'refuses %j and says what to write', (url) => {
      expect(() => parseEmbeddedUrl(url)).toThrow(ConfigurationError);
      expect(() => parseEmbeddedUrl(url)).toThrow(/'embedded:\.\/folder'/);
    });
});
