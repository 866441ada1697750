import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseStats } from "./stats.ts";

const root = new URL("../../test/fixtures/proc/", import.meta.url);
const paths = globSync("**/Stats*", { cwd: root }).sort();

function sample(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

describe("Stats of a real kernel", () => {
  for (const path of paths) {
    it(`${path} is understood to the last line`, () => {
      const stats = parseStats(sample(path));
      assert.deepEqual(stats.unknown, []);
      for (const connection of stats.connections) {
        assert.deepEqual(
          connection.commands.map((row) => row.command),
          Array.from({ length: 19 }, (_, code) => code),
        );
      }
    });
  }

  it("6.1: the table of commands and the counts of a share", () => {
    const stats = parseStats(sample("6.1/Stats"));
    const [connection] = stats.connections;
    assert.equal(connection?.maxInFlight, 3);
    assert.equal(connection.jiffiesPerSecond, 250);
    assert.deepEqual(connection.commands[5], { command: 5, number: 16, total: 35, fastest: 0, slowest: 14 });
    const share = stats.shares[1];
    assert.equal(share?.name, "\\\\127.0.0.1\\share");
    assert.deepEqual([share.smbs, share.bytesRead, share.bytesWritten], [42, 4_194_304, 4_194_310]);
    assert.deepEqual(share.counts.get("Creates"), { total: 12, failed: 0 });
    assert.equal(share.counts.size, 14);
  });

  it("6.12: two connections and slow responses after a hang", () => {
    const stats = parseStats(sample("6.12/hang/Stats_hung"));
    assert.equal(stats.shareReconnects, 2);
    assert.equal(stats.connections.length, 2);
    assert.deepEqual(
      [...(stats.connections[0]?.slow ?? [])],
      [
        [0, 1],
        [5, 2],
        [6, 3],
        [13, 1],
        [16, 2],
      ],
    );
  });
});

describe("Stats in general", () => {
  it("a text that was cut anywhere never throws", () => {
    for (const path of ["6.1/Stats", "6.12/hang/Stats_hung"]) {
      const text = sample(path);
      for (let length = 0; length < text.length; length++) parseStats(text.slice(0, length));
    }
  });

  it("no text throws, and what nobody knows is kept", () => {
    const line = fc.oneof(fc.string(), fc.constantFrom(...sample("6.12/Stats").split("\n")));
    fc.assert(fc.property(fc.array(line), (lines) => void parseStats(lines.join("\n"))));
    assert.deepEqual(parseStats("Frobs: 3\n").unknown, ["Frobs: 3"]);
  });
});
