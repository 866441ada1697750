import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { agingClock } from "./aging-clock.ts";
import { withDir } from "./fixture.ts";

test("a step of the wall clock ages nothing, sleep does; without /proc/uptime the monotonic clock counts", () =>
  withDir(async (directory) => {
    const world = { nowNs: 0, wallMs: 1e12 };
    const real = { nowNs: () => world.nowNs, wallMs: () => world.wallMs };
    const up = (seconds: number): void => writeFileSync(join(directory, "uptime"), `${seconds}.50 3.2\n`);
    up(100);
    const clock = agingClock(directory, real);
    world.wallMs += 40 * 86_400_000;
    assert.equal(clock.wallMs(), 1e12);
    up(160);
    world.nowNs += 10e9;
    assert.equal(clock.wallMs(), 1e12 + 60_000, "50 s of sleep");
    const without = agingClock(join(directory, "none"), real);
    world.nowNs += 5e9;
    assert.equal(without.wallMs(), world.wallMs + 5000);
  }));
