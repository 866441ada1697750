// aod-probe --keys where there is no SMB mount; the scenario `packets` has those.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const program = join(import.meta.dirname, "../../build/aod-probe");
const skip = existsSync(program) ? false : "aod-probe is not built";

describe("aod-probe --keys", { skip }, () => {
  it("says in one line why there are none, with the status that tells whether it makes sense to ask again", () => {
    for (const [path, status, expected] of [
      ["/", 3, /^\/ is not on an SMB mount\n$/],
      ["/nonexistent/file", 1, /^\/nonexistent\/file: No such file or directory\n$/],
    ] as const) {
      const ran = spawnSync(program, ["--keys", path], { encoding: "utf8" });
      assert.equal(ran.status, status);
      assert.equal(ran.stdout, "");
      assert.match(ran.stderr, expected);
    }
    assert.equal(spawnSync(program, ["--keys"]).status, 2);
  });
});
