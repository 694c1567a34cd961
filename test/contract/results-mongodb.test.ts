import { findMongo } from '../../scripts/find-result-servers.mjs';
import { MongoServer } from '../support/mongodb.js';
import { describeResultBackend } from './result-backend-contract.js';

let mongo: MongoServer;
const missing = findMongo() === undefined ? 'mongod, nor Java to run its stand-in' : undefined;

describeResultBackend('mongodb:', {
  missing,
  start: async () => (mongo = await MongoServer.start()).url,
  stop: () => mongo.stop(),
  server: {
    kill9: () => mongo.server.kill9(), start: () => mongo.server.start(), freeze: () => mongo.server.freeze(), thaw: () => mongo.server.thaw(),
  },
});
