"use strict";
// Who may call the API from a browser, and with which headers. `make deploy` checks the settings before
// (operations/deploy.py); here the template is kept from what must not be deployed by any other way either.

const HEADERS = [
  "Authorization",
  "Content-Type",
  "If-Match",
  "If-None-Match",
  "Idempotency-Key",
  "X-GitHub-Token",
  "X-Correlation-Id",
];
// What tracing in a browser adds to every request: W3C Trace Context and Baggage, and Sentry's own.
const TRACING = ["traceparent", "tracestate", "baggage", "sentry-trace"];

function read(setting, otherwise = "") {
  const values = (process.env[setting] || otherwise).split(",").map((value) => value.trim()).filter(Boolean);
  if (values.some((value) => value.includes("*"))) {
    throw new Error(`${setting} names each value: * would let every page on the web in`);
  }
  return values;
}

module.exports = {
  allowedOrigins: read("ALLOWED_ORIGINS", "http://localhost:5173"),
  allowedHeaders: [...new Set([...HEADERS, ...TRACING, ...read("ALLOWED_HEADERS")])],
};
