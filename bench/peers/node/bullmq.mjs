// BullMQ on a Redis with appendfsync=always: every job, and every change of one, is on disk before it is answered.
//   serve: the HTTP server; fill N: N jobs that wait; drain N: a worker, until N are done
import { Queue, Worker } from 'bullmq';
import { concurrency, drained, job, queueName, redis, ready } from './settings.mjs';
import { serve } from './http.mjs';

const [verb, count] = [process.argv[2], Number(process.argv[3] ?? 0)];
// Commands of one turn of the event loop go out together: one fsync of Redis serves them all.
const connection = { ...redis, enableAutoPipelining: true, maxRetriesPerRequest: null };

if (verb === 'serve') {
  const queue = new Queue(queueName, { connection });
  await queue.waitUntilReady();
  await serve({
    accept: async (data) => (await queue.add('provision', data)).id,
    look: async (id) => {
      const state = await queue.getJobState(id);
      return state === 'unknown' ? undefined : state;
    },
  });
} else if (verb === 'fill') {
  const queue = new Queue(queueName, { connection });
  for (let left = count; left > 0; left -= 1000) {
    await queue.addBulk(Array.from({ length: Math.min(left, 1000) }, () => ({ name: 'provision', data: job })));
  }
  await queue.close();
  ready();
} else {
  let done = 0;
  const from = process.hrtime.bigint();
  const worker = new Worker(queueName, async () => null, { connection, concurrency });
  // Emitted once Redis has answered that the job is completed.
  worker.on('completed', () => {
    if (++done < count) return;
    drained(count, from);
    process.exit(0);
  });
  worker.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
}
