// The HTTP server of every peer in JavaScript: POST /jobs answers 202 once `accept` has the job for good, GET
// /jobs/:id answers what `look` knows of it. The bodies are checked by schema, as Fastify's manual recommends.
import Fastify from 'fastify';
import { host, port, ready } from './settings.mjs';

const body = {
  type: 'object',
  required: ['plan', 'billingcode'],
  additionalProperties: false,
  properties: { plan: { type: 'string', maxLength: 64 }, billingcode: { type: 'string', maxLength: 128 } },
};
const answer = { type: 'object', properties: { id: { type: 'string' }, state: { type: 'string' } } };

export const serve = async ({ accept, look }) => {
  const app = Fastify({ logger: false });
  if (accept) {
    app.post('/jobs', { schema: { body, response: { 202: answer } } }, async (request, reply) => {
      const id = String(await accept(request.body));
      reply.code(202).header('Location', `/jobs/${id}`);
      return { id, state: 'queued' };
    });
  }
  app.get('/jobs/:id', { schema: { response: { 200: answer } } }, async (request, reply) => {
    const { id } = request.params;
    const state = await look(id);
    if (!state) return reply.code(404).send();
    return { id, state };
  });
  await app.listen({ host, port });
  ready();
  process.on('SIGTERM', () => process.exit(0));
};
