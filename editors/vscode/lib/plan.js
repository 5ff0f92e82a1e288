// The text of a spec's plan: from the language server, which knows what is not saved yet, or from the command.
"use strict";

const { execFile } = require("node:child_process");
const path = require("node:path");
const { SHOW_PLAN } = require("./server");

/** @typedef {{ command: string, arguments: string[] }} Request */

/**
 * Return the plan's text, or null while the spec has errors. `ask` sends a request to a running server; without one
 * the command is run, which reads the file as it is saved.
 * @param {{ uri: string, path: string, command: string[], ask?: (request: Request) => unknown }} wanted
 * @returns {Promise<string | null>}
 */
async function planText({ uri, path: file, command, ask }) {
  if (ask !== undefined) {
    return /** @type {string | null} */ (await ask({ command: SHOW_PLAN, arguments: [uri] }));
  }
  return runPlan(file, command);
}

/**
 * @param {string} file
 * @param {string[]} command
 * @returns {Promise<string>}
 */
function runPlan(file, [program, ...first]) {
  const args = [...first, "plan", "--no-lock", path.basename(file)];
  const options = { cwd: path.dirname(file), timeout: 60_000, maxBuffer: 2 ** 24, env: { ...process.env, NO_COLOR: "1" } };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else if (error.code === 1) {
        const last = stderr.trim().split("\n").at(-1) ?? "";
        reject(new Error(last.replace(/^error: /, "") || "the spec has errors"));
      } else {
        reject(new Error(`${program} could not be run: set \`tunewright.command\` (${error.message.split("\n")[0]})`));
      }
    });
  });
}

module.exports = { planText };
