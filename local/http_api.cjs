"use strict";
// Node loads this before serverless-offline (local/api.py), whose server differs from API Gateway's HTTP API in what it
// does to a request before a function sees it: it takes a slash off the end of a path, makes U+FFFD of every byte of a
// body that is not UTF-8, calls a body JSON that does not say what it is, and writes the query anew, in which `%FF`
// becomes U+FFFD as well. A function that is right about any of them could not be tried here.

const { isUtf8 } = require("node:buffer");
const hapi = require("@hapi/hapi");

const createServer = hapi.server;

function createHttpApi(options) {
  const server = createServer({ ...options, router: { ...options.router, stripTrailingSlash: false } });
  server.ext("onRequest", keepQuery);
  server.ext("onPreHandler", keepBytes);
  return server;
}

function keepQuery(request, h) {
  const { url } = request.raw.req;
  const start = url.indexOf("?");
  if (request.url !== null) {
    request.url.searchParams.toString = () => (start < 0 ? "" : url.slice(start + 1));
  }
  return h.continue;
}

// serverless-offline sends what it takes for binary as base64, with the headers as they came.
function keepBytes(request, h) {
  const { headers, payload, raw } = request;
  if (Buffer.isBuffer(payload) && payload.length > 0 && !headers["content-type"]) {
    raw.req.rawHeaders.push("Content-Type", "application/octet-stream");
  }
  if (Buffer.isBuffer(payload) && !isUtf8(payload)) {
    headers["content-type"] = "application/octet-stream";
  }
  return h.continue;
}

hapi.server = createHttpApi;
hapi.Server = createHttpApi;
