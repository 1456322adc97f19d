// graphile-worker on PostgreSQL (fsync and synchronous_commit are on).
//   fill N: N jobs that wait; drain N: a worker, until N are done
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { concurrency, drained, job, pool, postgres, queueName, ready } from './settings.mjs';

const [verb, count] = [process.argv[2], Number(process.argv[3] ?? 0)];
const pgPool = new pg.Pool({ ...postgres, max: pool });

if (verb === 'fill') {
  const utils = await makeWorkerUtils({ pgPool });
  await utils.migrate();
  await utils.withPgClient((client) =>
    client.query('select graphile_worker.add_job($1, $2::json) from generate_series(1, $3)', [
      queueName,
      JSON.stringify(job),
      count,
    ]),
  );
  await utils.release();
  await pgPool.end();
  ready();
} else {
  let done = 0;
  const from = process.hrtime.bigint();
  const runner = await run({
    pgPool,
    concurrency,
    noHandleSignals: true,
    taskList: { [queueName]: async () => null },
    logger: undefined,
  });
  // Emitted once PostgreSQL has answered that the job is gone.
  runner.events.on('job:complete', () => {
    if (++done < count) return;
    drained(count, from);
    process.exit(0);
  });
}
