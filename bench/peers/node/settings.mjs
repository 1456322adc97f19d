// What every peer shares: where its server is, and how many jobs one process works on at once.
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);

export const port = number('PORT', 0);
export const host = '127.0.0.1';
export const redis = { host, port: number('REDIS_PORT', 0) };
export const postgres = { host, port: number('PGPORT', 0), user: 'bench', database: 'bench' };
export const concurrency = number('CONCURRENCY', 64);
export const pool = number('POOL', 32);
export const queueName = 'provision';

// What a client asks Slipway for; the same bytes for everybody.
export const job = { plan: 'small', billingcode: 'bench' };

// The runner waits for this line.
export const ready = () => console.log('ready');

// The time from the start of the worker to the last of `count` jobs done, as the runner reads it.
export const drained = (count, from) => {
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  console.log(JSON.stringify({ count, seconds }));
};
