import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { repoRoot } from "../lab/paths.ts";
import type { ToolRound, ToolTurn } from "./request.ts";
import { toolFigures } from "./tools.ts";
import { documented, documents, resultOf, type ToolsStored, tableFor, withTable } from "./tools-tables.ts";

const rounds = (...elapsed: number[]): ToolRound[] => elapsed.map((elapsedNs) => ({ elapsedNs, idleNs: 0 }));
const turn: ToolTurn = {
  contender: "smbslower",
  before: rounds(1000, 1000),
  attached: rounds(1100, 1050, 1200),
  after: rounds(1000, 1020),
  startNs: 5,
};
const dead: ToolTurn = { ...turn, contender: "bpftrace, requests", attached: [], failed: "no symbol x" };
const workload = { release: "6.12.1", date: "2026-11-22T00:00:00Z", commit: "0123456789", rounds: 3, files: 10 };

function storedWith(turns: readonly ToolTurn[]): ToolsStored {
  return {
    ...{
      benchmark: "tools-6.12",
      command: "",
      commit: "0123456789",
      changed: [],
      date: "",
      host: "",
      release: "6.12.1",
    },
    result: { smb: { ...workload, changed: [], turns } },
  };
}

describe("the figures of the tools", () => {
  it("compare each round with the rounds around it that have nothing attached", () => {
    const { figures, noise, off } = toolFigures([turn], 10);
    assert.deepEqual(figures, [
      {
        contender: "smbslower",
        perFile: { median: 110, min: 105, max: 120 },
        more: 10,
        share: { median: 1100 / 1000 - 1, min: 1050 / 1000 - 1, max: 1200 / 1000 - 1 },
      },
    ]);
    assert.equal(noise.toFixed(4), "0.0100");
    assert.equal(off.median, 100);
  });

  it("leave out what failed, and say why", () => {
    const { figures, failed } = toolFigures([turn, dead], 10);
    assert.deepEqual(
      figures.map(({ contender }) => contender),
      ["smbslower"],
    );
    assert.deepEqual(failed, { "bpftrace, requests": "no symbol x" });
  });
});

describe("the tables of the tools", () => {
  const table = (turns: readonly ToolTurn[], document: (typeof documents)[number]): string =>
    tableFor(document, (kernel) => (kernel === "6.12" ? storedWith(turns) : undefined));

  it("follow what is stored", () => {
    assert.match(table([turn], "README.md"), /^\| \*\*`smbslower`\*\* \| \+10\.0 % \| 10 \|$/m);
    const slower = { ...turn, attached: rounds(1500, 1500, 1500) };
    assert.match(table([slower], "README.md"), /^\| \*\*`smbslower`\*\* \| \+50\.0 % \| 50 \|$/m);
  });

  it("name what was not measured", () => {
    assert.match(table([turn, dead], "README.md"), /^\| `bpftrace, requests` \| not measured \| {2}\|$/m);
    assert.match(table([turn, dead], "docs/overhead.md"), /^`bpftrace, requests` was not measured: no symbol x$/m);
  });

  it("replace what is between the marks alone", () => {
    const begin = "<!-- from bench/results/tools-*.json by `npm run bench -- tables` -->";
    const text = `a\n${begin}\nold\n<!-- end of it -->\nb\n`;
    assert.equal(withTable(text, "x", "new"), `a\n${begin}\n\nnew\n\n<!-- end of it -->\nb\n`);
    assert.throws(() => withTable("a\n", "x", "new"), /x has no marks/);
  });
});

describe("the documents", () => {
  it("show what is stored", () => {
    assert.ok(resultOf(documented[0]), `nothing is stored for ${documented[0]}: npm run bench -- tools`);
    for (const name of documents) {
      const text = readFileSync(join(repoRoot, name), "utf8");
      assert.equal(withTable(text, name, tableFor(name)), text, `${name}: npm run bench -- tables`);
    }
  });
});
