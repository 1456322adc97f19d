// pg-boss on PostgreSQL (fsync and synchronous_commit are on).
//   serve: the HTTP server; fill N: N jobs that wait; drain N: workers, until N are done
import PgBoss from 'pg-boss';
import { concurrency, drained, job, pool, postgres, queueName, ready } from './settings.mjs';
import { serve } from './http.mjs';

const [verb, count] = [process.argv[2], Number(process.argv[3] ?? 0)];
const boss = new PgBoss({ ...postgres, max: pool, supervise: false, schedule: false });
boss.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
await boss.start();

if (verb === 'serve') {
  await serve({
    accept: (data) => boss.send(queueName, data),
    look: async (id) => (await boss.getJobById(id))?.state,
  });
} else if (verb === 'fill') {
  for (let left = count; left > 0; left -= 1000) {
    await boss.insert(Array.from({ length: Math.min(left, 1000) }, () => ({ name: queueName, data: job })));
  }
  await boss.stop({ graceful: false });
  ready();
  process.exit(0);
} else {
  // Its own `work` asks at most twice a second; this is its manual's way without that wait: a batch is fetched,
  // worked on, and completed in one statement.
  const from = process.hrtime.bigint();
  let done = 0;
  const work = async () => {
    for (;;) {
      const jobs = await boss.fetch(queueName, concurrency);
      if (!jobs || jobs.length === 0) return;
      await boss.complete(jobs.map((each) => each.id));
      done += jobs.length;
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  if (done < count) {
    console.error(`only ${done} of ${count} jobs were there`);
    process.exit(1);
  }
  drained(done, from);
  process.exit(0);
}
