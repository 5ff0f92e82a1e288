// How the language server is started, and what it is told.
"use strict";

const SHOW_PLAN = "tunewright.showPlan";

// The server knows specs by name or by their `api_version`, and leaves other YAML alone.
const SELECTOR = [{ scheme: "file", language: "yaml" }];

// What of the settings the server itself knows.
const SERVER_SETTINGS = ["inlayHints", "codeLens"];

/**
 * Return program and arguments for the words of the setting `tunewright.command`.
 * @param {string[]} command
 */
function serverOptions(command) {
  const [program, ...first] = command;
  return { command: program, args: [...first, "lsp"] };
}

/**
 * Return the server's settings; `value` gives a setting by its name.
 * @param {(name: string) => unknown} value
 */
function serverSettings(value) {
  return Object.fromEntries(SERVER_SETTINGS.map((name) => [name, value(name)]));
}

module.exports = { SELECTOR, SERVER_SETTINGS, SHOW_PLAN, serverOptions, serverSettings };
