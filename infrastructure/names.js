"use strict";
// What the other files here have in common: the functions, and what osls calls the resources that it makes of them.

const fs = require("node:fs");
const path = require("node:path");

const FOLDER = path.join(__dirname, "..", "functions");

const functions = fs
  .readdirSync(FOLDER)
  .filter((name) => fs.existsSync(path.join(FOLDER, name, "handler.py")))
  .sort();

/** As osls does in lib/plugins/aws/lib/naming.js. */
function logicalId(name) {
  const [first, ...rest] = name;
  return first.toUpperCase() + rest.join("").replaceAll("_", "Underscore").replaceAll("-", "Dash");
}

/** What Forum itself calls a function's role. */
function roleName(name) {
  const words = name.split("_").map((word) => word[0].toUpperCase() + word.slice(1));
  return `${words.join("")}Role`;
}

/** Those that a schedule or a queue calls, and no request. */
const inBackground = ["maintenance", "sync_dispatcher", "sync_worker"];

/** Those that verify the tokens of users. */
const verifying = functions.filter((name) => !["health", "reference", ...inBackground].includes(name));

const attribute = (resource, name) => ({ "Fn::GetAtt": [resource, name] });

module.exports = { attribute, functions, inBackground, logicalId, roleName, verifying };
