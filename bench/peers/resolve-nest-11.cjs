// Lets the library find the Nest 11 that the peers are installed with, instead of the Nest that it is developed on.
const Module = require('node:module');

const fromPeers = Module.createRequire(__filename);
const OF_NEST = /^(@nestjs\/|rxjs$|rxjs\/|reflect-metadata$)/;
const resolve = Module._resolveFilename;

Module._resolveFilename = function (request, ...rest) {
  return OF_NEST.test(request) ? fromPeers.resolve(request) : resolve.call(this, request, ...rest);
};
