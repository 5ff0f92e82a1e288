// Plans as documents that can be read, searched and closed, but are nobody's to save.
"use strict";

const path = require("node:path");
const vscode = require("vscode");

class Plans {
  static SCHEME = "tunewright-plan";

  /** @type {Map<string, string>} */
  #texts = new Map();
  /** @type {import("vscode").EventEmitter<import("vscode").Uri>} */
  #changes = new vscode.EventEmitter();
  onDidChange = this.#changes.event;

  /**
   * Keep the text of a spec's plan, or of one of its steps, and return where it is shown.
   * @param {string} text
   * @param {string} spec
   * @param {string} [step]
   */
  put(text, spec, step) {
    const name = `${path.posix.basename(vscode.Uri.parse(spec).path)}: ${step ?? "plan"}`;
    const uri = vscode.Uri.from({ scheme: Plans.SCHEME, path: `/${name}`, query: spec });
    this.#texts.set(uri.toString(), text);
    this.#changes.fire(uri);
    return uri;
  }

  /** @param {import("vscode").Uri} uri */
  provideTextDocumentContent(uri) {
    return this.#texts.get(uri.toString());
  }
}

module.exports = { Plans };
