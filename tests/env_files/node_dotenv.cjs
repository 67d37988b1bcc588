// Reads files as Node's dotenv does: on each line of stdin the text of a file as JSON, on each line of stdout what both
// of dotenv's parsers make of it.
const { createInterface } = require("node:readline");
const dotenv = require("dotenv");

createInterface({ input: process.stdin }).on("line", (line) => {
  const text = JSON.parse(line);
  console.log(JSON.stringify([dotenv.parse(text), dotenv.parse(text, { fast: true })]));
});
