#!/usr/bin/env node
import { PROGRAM_NAME } from './program-name.js';
import { run } from './run.js';

const args = process.argv.slice(2);
// What `ps` shows of the command from now on: a URL among its options may have a password.
process.title = PROGRAM_NAME;
// Whoever reads closes when it has enough: `| head`, for one.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
void run(args, { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, environment: process.env, folder: process.cwd() }, (code) => process.exit(code))
  .then((code) => {
    process.exitCode = code;
    // What a driver has left open must not keep the terminal waiting.
    setTimeout(() => process.exit(code), 2_000).unref();
  });
