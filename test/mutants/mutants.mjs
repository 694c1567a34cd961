/**
 * Ways to break the library on purpose. Each breaks a promise, and the test beside it has to fail then: `npm run test:mutants`
 * tries them one by one. `from` stands exactly once in its file, which test/unit/house/mutants.test.ts holds.
 */
export const MUTANTS = [
  {
    name: 'ack-before-dead-letter', promise: 'A delivery is acknowledged after its dead letter is confirmed',
    file: 'lib/worker/task-endings.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "    if (!await settler.deadLetter(run.delivery, certificate, () => run.requeue())) return;",
    to: "    run.ack();\n    if (!await settler.deadLetter(run.delivery, certificate, () => run.requeue())) return;",
  },
  {
    name: 'ack-without-retry', promise: 'A delivery is acknowledged after its next attempt is confirmed',
    file: 'lib/worker/task-endings.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "    this.parts.keeper?.retrying(run, error, delayMs);\n",
    to: "    this.parts.keeper?.retrying(run, error, delayMs);\n    run.ack();\n",
  },
  {
    name: 'ack-before-result', promise: 'A delivery is acknowledged after its result is kept',
    file: 'lib/worker/task-endings.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "    if (await kept === false) return false;",
    to: "    void kept;",
  },
  {
    name: 'too-late-ack-forgotten', promise: 'What ended here is not run again when its acknowledgement came too late',
    file: 'lib/worker/task-endings.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "    if (isLate && hasEnded) this.finished.add(run.uuid, run.attempt, copyOf(run));",
    to: "    void hasEnded;",
  },
  {
    name: 'two-endings', promise: 'A run ends once',
    file: 'lib/worker/run-phase.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "  overdue: { settle: 'settled',",
    to: "  overdue: { decide: 'ending', settle: 'settled',",
  },
  {
    name: 'shutdown-charged', promise: 'A run that a shutdown interrupts costs no attempt',
    file: 'lib/worker/run-ending.ts', project: 'unit', tests: ['test/unit/worker'],
    from: "    if (run.isAborted) return { kind: 'requeue' };\n",
    to: "",
  },
  {
    name: 'nack-taken-for-confirm', promise: '`publish()` resolves only for what the broker has confirmed',
    file: 'lib/brokers/amqp/publishing/publisher.ts', project: 'integration', tests: ['test/integration/amqp-publishing.test.ts'],
    from: "    if (!acked) this.nacked(outgoing);\n    else this.settle(",
    to: "    this.settle(",
  },
  {
    name: 'return-ignored', promise: '`publish()` rejects what reached no queue',
    file: 'lib/brokers/amqp/publishing/publisher.ts', project: 'contract', tests: ['test/contract/amqp.test.ts'],
    from: "outgoing.returned ? unroutable(outgoing) : undefined",
    to: "undefined",
  },
  {
    name: 'not-mandatory', promise: '`publish()` rejects what reached no queue',
    file: 'lib/brokers/amqp/publishing/publish-frames.ts', project: 'contract', tests: ['test/contract/amqp.test.ts'],
    from: "Buffer.from([MANDATORY])",
    to: "Buffer.from([0])",
  },
  {
    name: 'not-persistent', promise: 'Confirmed tasks survive the death of the server',
    file: 'lib/brokers/amqp/publishing/publish-frames.ts', project: 'unit', tests: ['test/unit/brokers/amqp/publishing'],
    from: "Buffer.from([0, 0, 0, 0, 2])",
    to: "Buffer.from([0, 0, 0, 0, 1])",
  },
  {
    name: 'unconfirmed-not-sent-again', promise: 'What was unconfirmed when a connection went is sent on the next one',
    file: 'lib/brokers/amqp/publishing/publisher.ts', project: 'integration', tests: ['test/integration/amqp-publishing.test.ts', 'test/integration/amqp-connection.test.ts'],
    from: "    this.waiting.putBack(this.lastUnconfirmed.filter((outgoing) => !outgoing.settled));",
    to: "    for (const one of this.lastUnconfirmed) this.settle(one, undefined);",
  },
  {
    name: 'confirm-window-skips', promise: 'A single confirm settles its own message alone',
    file: 'lib/brokers/amqp/publishing/confirm-window.ts', project: 'unit', tests: ['test/unit/brokers/amqp/publishing'],
    from: "    if (multiple) {\n",
    to: "    if (multiple || tag > this.lowest) {\n",
  },
  {
    name: 'ack-past-unfinished', promise: 'No acknowledgement covers a task that still runs',
    file: 'lib/brokers/amqp/consuming/ack-coalescer.ts', project: 'unit', tests: ['test/unit/brokers/amqp/consuming'],
    from: "      if (slot === OUTSTANDING) return;\n",
    to: "      if (slot === OUTSTANDING && this.low === this.high) return;\n",
  },
  {
    name: 'stale-ack', promise: 'A channel that is gone gets no acknowledgement',
    file: 'lib/brokers/amqp/consuming/consumer-channel.ts', project: 'integration', tests: ['test/integration/amqp-consuming.test.ts', 'test/integration/amqp-connection.test.ts'],
    from: "    if (delivery.settled || !this.alive) return false;",
    to: "    if (delivery.settled) return false;",
  },
  {
    name: 'broker-headers-sent-on', promise: 'What brokers write into headers is not published again',
    file: 'lib/task/headers.ts', project: 'unit', tests: ['test/unit/worker', 'test/unit/task', 'test/unit/dead-letters'],
    from: "filter(([name]) => !BROKER_HEADER.test(name))",
    to: "filter(([name]) => name !== 'x-death-')",
  },
  {
    name: 'delay-acknowledged-first', promise: 'A delayed task is acknowledged after it is published',
    file: 'lib/brokers/amqp/delays/forwarding.ts', project: 'faults', tests: ['test/faults/delays-forwarder.test.ts'],
    from: "        if (await forward()) delivery.ack();",
    to: "        delivery.ack();\n        await forward();",
  },
  {
    name: 'delay-rounded-down', promise: 'Nothing delayed is early',
    file: 'lib/brokers/amqp/delays/delay-ladder.ts', project: 'unit', tests: ['test/unit/brokers/amqp/delays'],
    from: "Math.ceil(exact / 2 ** cleared)",
    to: "Math.floor(exact / 2 ** cleared)",
  },
  {
    name: 'ledger-answers-unconfirmed', promise: 'The ledger answers after its record is confirmed',
    file: 'lib/state/amqp/ledger-keeper.ts', project: 'unit', tests: ['test/unit/state/amqp'],
    from: "    this.log.whenSafe(() => {\n      this.channel.acknowledgeRequest(tag);",
    to: "    ((next: () => void) => next())(() => {\n      this.channel.acknowledgeRequest(tag);",
  },
  {
    name: 'ledger-forgets-early', promise: 'The ledger lets go of a record when the one in its place is confirmed',
    file: 'lib/state/amqp/keeper-log.ts', project: 'unit', tests: ['test/unit/state/amqp'],
    from: "      this.releases.add(old.place, needs, record.place);",
    to: "      this.releases.add(old.place, 0, record.place);",
  },
  {
    name: 'unique-freed-by-others', promise: 'A task frees no unique key but its own',
    file: 'lib/worker/gates/unique-gate.ts', project: 'unit', tests: ['test/unit/worker/gates'],
    from: "      if (found === undefined || claim?.token !== token) return undefined;",
    to: "      if (found === undefined || claim === undefined) return undefined;",
  },
  {
    name: 'crashes-not-counted', promise: 'A task that kills its process again and again becomes a dead letter',
    file: 'lib/worker/gates/crashes/crash-record.ts', project: 'unit', tests: ['test/unit/worker/gates'],
    from: "crashes: before.crashes + 1",
    to: "crashes: before.crashes",
  },
  {
    name: 'living-charged', promise: 'Who lives is not counted as a crash',
    file: 'lib/worker/gates/crashes/crash-writes.ts', project: 'unit', tests: ['test/unit/worker/gates'],
    from: "  await takeChargeBack(backend, run);\n  return false;",
    to: "  return false;",
  },
  {
    name: 'lease-acknowledged-first', promise: 'A long task that is taken over has its copy first',
    file: 'lib/worker/lease/leases.ts', project: 'unit', tests: ['test/unit/worker/lease'],
    from: "      await this.settler.copy(run.delivery, headers, gate.times.leasedLookMs);\n      run.endTaking(headers);",
    to: "      run.endTaking(headers);\n      await this.settler.copy(run.delivery, headers, gate.times.leasedLookMs);",
  },
  {
    name: 'tick-without-claim', promise: 'A tick of a schedule is fired by who has claimed it',
    file: 'lib/schedules/schedule-runner.ts', project: 'unit', tests: ['test/unit/schedules'],
    from: "      if (current === undefined || elapsed() - since > TAKEOVER_MS / 2) return;",
    to: "      if (elapsed() - since > TAKEOVER_MS / 2) return;",
  },
  {
    name: 'member-counted-early', promise: 'The callback of a chord starts after its last member',
    file: 'lib/workflows/workflow-store.ts', project: 'unit', tests: ['test/unit/workflows'],
    from: "    await backend.set(sizeKey(workflow, group), Buffer.from(String(size)), this.expiry);",
    to: "    await backend.set(sizeKey(workflow, group), Buffer.from(String(Math.max(0, size - 1))), this.expiry);",
  },
  {
    name: 'prototype-reached', promise: 'A body cannot reach a prototype',
    file: 'lib/formats/read-json.ts', project: 'unit', tests: ['test/unit/formats'],
    from: "{ protoAction: 'error', constructorAction: 'error' }",
    to: "{ protoAction: 'ignore', constructorAction: 'ignore' }",
  },
  {
    name: 'integers-rounded', promise: '64-bit integers arrive exact',
    file: 'lib/formats/read-json.ts', project: 'unit', tests: ['test/unit/formats'],
    from: "hasLongNumber(body) ? parseLossless",
    to: "hasLongNumber(Buffer.alloc(0)) ? parseLossless",
  },
  {
    name: 'embedded-order-lost', promise: 'What is given back goes to its old place',
    file: 'lib/brokers/embedded/memory-queue.ts', project: 'unit', tests: ['test/unit/brokers/embedded'],
    from: "      if (returned[middle]!.order > item.order) low = middle + 1;",
    to: "      if (returned[middle]!.order < item.order) low = middle + 1;",
  },
];
