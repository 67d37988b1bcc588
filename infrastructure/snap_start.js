"use strict";
// Whether the functions that people wait for start from a snapshot. docs/deployment.md, section 11, says what it costs.

module.exports = { isOn: process.env.SNAP_START === "true" };
