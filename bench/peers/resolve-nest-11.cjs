// Lets the library find the Nest 11 that the peers are installed with, instead of the Nest that it is developed on.
const Module = require('node:module');

const here = { id: __filename, filename: __filename, paths: Module._nodeModulePaths(__dirname) };
const OF_NEST = /^(@nestjs\/|rxjs$|rxjs\/|reflect-metadata$)/;
const resolve = Module._resolveFilename;

Module._resolveFilename = function (request, parent, ...rest) {
  return resolve.call(this, request, OF_NEST.test(request) ? here : parent, ...rest);
};
