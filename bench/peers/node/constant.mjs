// What Fastify answers at best: nothing is looked up.
import { serve } from './http.mjs';

await serve({ look: () => 'queued' });
