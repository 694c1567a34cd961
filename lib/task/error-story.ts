import { errorMessage, errorText, isA, placeOf, shortened } from './error-text.js';
import { errorTree, type ErrorTree } from './error-tree.js';

/** A shorter message may stand in another text by chance. */
const SAYS_SOMETHING = 8;
const LONGEST_BEHIND = 1_000;

/**
 * An error in one text, with what was behind it: `Error: outer (caused by TypeError: inner)`, and of an `AggregateError`
 * `[Error: one; Error: two; and 3 more]`. Never throws.
 *
 * @param most of the first error, in characters; all others together have as many again
 */
export function errorStory(error: unknown, most: number): string {
  const tree = errorTree(error);
  const own = errorText(error).slice(0, most);
  const behind = storyBehind(tree, own);
  return `${own}${shortenedTo(behind, most)}`;
}

/** Where it was thrown, and where its causes were. Our own errors say all in their text, and have no place. */
export function placesOf(error: unknown, most: number): string | undefined {
  const places: string[] = [];
  for (let tree: ErrorTree | undefined = errorTree(error); tree !== undefined; tree = tree.cause) {
    const place = placeOf(tree.thrown);
    if (place !== undefined) places.push(place);
  }
  return places.length === 0 ? undefined : places.join('\ncaused by: ').slice(0, most);
}

function storyBehind({ cause, members, more }: ErrorTree, told: string): string {
  const texts = members.map((member) => storyOf(member));
  if (more > 0) texts.push(`and ${more} more`);
  const list = texts.length === 0 ? '' : ` [${texts.join('; ')}]`;
  return `${list}${cause === undefined ? '' : causeStory(cause, told)}`;
}

/** Who wraps an error often repeats its text: once is enough. */
function causeStory(cause: ErrorTree, told: string): string {
  const message = isA(cause.thrown, Error) ? errorMessage(cause.thrown) : '';
  if (message.length >= SAYS_SOMETHING && told.includes(message)) return storyBehind(cause, told);
  return ` (caused by ${storyOf(cause)})`;
}

function storyOf(tree: ErrorTree): string {
  const text = shortened(errorText(tree.thrown), LONGEST_BEHIND);
  return `${text}${storyBehind(tree, text)}`;
}

function shortenedTo(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(most - 3, 0))}...`;
}
