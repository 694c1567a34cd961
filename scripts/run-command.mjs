import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command to its end with this terminal. A signal that only this process gets is handed on,
 * so that no installation or build is left behind alone.
 *
 * @returns {Promise<number>} its exit code, 128 + n where signal n ended it
 */
export function runCommand(command, args, options) {
  return new Promise((resolve, reject) => {
    // npm is a script with the ending .cmd on Windows, which only a shell can start.
    const child = spawn(command, args, { stdio: 'inherit', shell: process.platform === 'win32', ...options });
    const handOn = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, handOn);
    const letGo = () => { for (const signal of SIGNALS) process.off(signal, handOn); };
    child.once('error', (error) => { letGo(); reject(error); });
    child.once('exit', (code, signal) => { letGo(); resolve(code ?? 128 + (constants.signals[signal] ?? 0)); });
  });
}
