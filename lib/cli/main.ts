#!/usr/bin/env node
import { run } from './run.js';

// Whoever reads closes when it has enough: `| head`, for one.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
void run(process.argv.slice(2), { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, environment: process.env, folder: process.cwd() }, (code) => process.exit(code))
  .then((code) => {
    process.exitCode = code;
    // What a driver has left open must not keep the terminal waiting.
    setTimeout(() => process.exit(code), 2_000).unref();
  });
