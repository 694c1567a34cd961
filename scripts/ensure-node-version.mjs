/** The floor: the first release in which CommonJS may `require()` an ES module. */
const FLOOR = [20, 19];

/** What is wrong with this version of Node, as a text for people, or undefined. Plain syntax: an old Node must be able to read it. */
function nodeVersionProblem(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return undefined;
  return `This is Node ${version}; Dispatcher needs ${FLOOR.join('.')} or newer. Install it from https://nodejs.org, or with nvm: nvm install 22`;
}

/** Ends the process where Node is too old; anything later would only fail less clearly. */
export function ensureNodeVersion() {
  const problem = nodeVersionProblem();
  if (problem === undefined) return;
  console.error(problem);
  process.exit(1);
}
