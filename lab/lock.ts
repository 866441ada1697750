import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { AodError } from "../src/system/error.ts";

/**
 * Runs `body` while this process alone holds the lock file. A child holds it and ends with us, so a lock never
 * outlives its holder, however that ended.
 */
export async function withLock<T>(path: string, waitSeconds: number, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = spawn("flock", ["--close", "-x", "-w", String(waitSeconds), path, "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // The holder may already be gone when the line is written; its exit is what decides.
  holder.stdin.on("error", () => {});
  holder.stdin.write("held\n");
  const held = await Promise.race([
    once(holder.stdout, "data").then(() => true),
    once(holder, "exit").then(() => false),
  ]);
  if (!held) throw new AodError("failed", `${path} is still held by another run after ${waitSeconds} s`);
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}
