/** For whoever is on `exchange`, of a queue that an application on another exchange takes from too. @param what the queue, as it begins a sentence */
export function twoOwnersWarning(what: string, owner: string, exchange: string): string {
  return `${what} belongs to an application on the exchange "${owner}", and this one is on "${exchange}". If both live, they take from one queue and get each other's tasks; `
    + 'what one of them does not know becomes a dead letter. Then give one of them queues of its own. If the exchange was renamed, nothing need be done: the queue is used as it is.';
}
