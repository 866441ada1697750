// The password of a mount, from where mount.cifs(8) takes it: PASSWD, PASSWD_FD, PASSWD_FILE, or the terminal, without echo.
import { readFileSync } from "node:fs";
import type { ReadStream } from "node:tty";
import { Secret } from "../doctor/mount/secret.ts";
import { AodError, messageOf } from "../system/error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined: none of the variables is set. Throws where what they name cannot be read. */
export function passwordOfEnvironment(env: Environment): Secret | undefined {
  if (env.PASSWD !== undefined) return new Secret(env.PASSWD);
  const from = env.PASSWD_FD ?? env.PASSWD_FILE;
  if (from === undefined) return undefined;
  const name = env.PASSWD_FD === undefined ? "PASSWD_FILE" : "PASSWD_FD";
  if (name === "PASSWD_FD" && !/^\d+$/.test(from)) throw new AodError("usage", `PASSWD_FD is no number: ${from}`);
  try {
    const text = readFileSync(name === "PASSWD_FD" ? Number(from) : from, "utf8");
    return new Secret(text.split("\n")[0] ?? "");
  } catch (error) {
    throw new AodError("failed", `${name}: the password cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

const enter = ["\r", "\n"];
/** Ctrl-C, Ctrl-D: in raw mode they are keys like others. */
const cancel = ["\u0003", "\u0004"];

/** Asks on the terminal; undefined at Ctrl-C, Ctrl-D. */
export function askPassword(
  question: string,
  terminal: ReadStream,
  show: (text: string) => void,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  show(question);
  terminal.setRawMode(true);
  terminal.resume();
  return new Promise((resolve) => {
    let typed = "";
    const end = (secret: Secret | undefined): void => {
      terminal.off("data", take);
      signal.removeEventListener("abort", stop);
      terminal.setRawMode(false);
      terminal.pause();
      show("\n");
      resolve(secret);
    };
    const stop = (): void => end(undefined);
    const take = (bytes: Buffer): void => {
      for (const key of bytes.toString("utf8")) {
        if (enter.includes(key) || cancel.includes(key)) {
          end(enter.includes(key) ? new Secret(typed) : undefined);
          return;
        }
        typed = key === "\u007f" || key === "\b" ? typed.slice(0, -1) : typed + key;
      }
    };
    signal.addEventListener("abort", stop, { once: true });
    terminal.on("data", take);
  });
}
