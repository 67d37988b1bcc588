"use strict";
// Whether X-Ray gets Lambda's own traces. docs/operations.md tells what they show and what they need.

module.exports = { isOn: process.env.TRACING === "true" };
