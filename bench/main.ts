import { Command } from "commander";
import { AodError, messageOf } from "../src/system/error.ts";
import { runInGuest, say } from "./guest.ts";
import type { RoundsResult } from "./request.ts";

const program = new Command("bench");
program.command("cost").option("--kernel <k>", "", "6.12").option("--files <n>","","100").option("--sets <s...>").option("--rounds <n>","","1").action(async (o: {kernel: string; files: string; rounds: string; sets?: string[]}) => {
  const r = await runInGuest<RoundsResult>(o.kernel, { kind: "rounds", sets: (o.sets ?? ["empty","bare","hash","ours"]) as never, rounds: Number(o.rounds), files: Number(o.files), statistics: true, seconds: 0 }, { icount: true, timeLimitMs: 900_000 });
  for (const x of r.result.rounds) {
    console.log(x.set, x.requests, x.requests/x.files, (x.programs.reduce((s,p)=>s+p.ns,0)/x.requests).toFixed(0), "elapsed/req", (x.elapsedNs/x.requests).toFixed(0), x.idleNs);
    for (const p of x.programs) console.log("   ", p.name, p.runs, (p.ns/p.runs).toFixed(1), (p.ns/x.requests).toFixed(1), p.recursionMisses);
  }
  console.log(r.result.clocksource);
});
try { await program.parseAsync(); } catch (error) { say(messageOf(error)); process.exitCode = error instanceof AodError ? error.exitStatus : 1; }
