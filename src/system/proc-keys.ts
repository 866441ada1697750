// /proc/keys: keyrings(7); security/keys/proc.c, proc_keys_show(). It shows the keys that the reader may view.

export interface ProcKey {
  readonly serial: number;
  /** `I` instantiated, `R` revoked, `D` dead, `U` being made, `N` negative, `i` invalidated. */
  readonly flags: string;
  /** s until it expires, as coarse as the kernel tells it; 0: it has expired; absent: it does not. */
  readonly timeoutSeconds?: number;
  readonly uid: number;
  readonly type: string;
  readonly description: string;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Lines that are none are left out. Never throws. */
export function parseProcKeys(text: string): readonly ProcKey[] {
  return text.split("\n").flatMap((line) => {
    const match =
      /^([0-9a-f]{8}) (\S+)\s+\d+\s+(perm|expd|\d+[smhdw])\s+[0-9a-f]+\s+(-?\d+)\s+(-?\d+)\s+(\S+)\s(.*)$/.exec(line);
    const [, serial = "", flags = "", timeout = "", uid, , type = "", description = ""] = match ?? [];
    if (match === null) return [];
    const left = timeout === "expd" ? 0 : Number.parseInt(timeout, 10) * (units[timeout.slice(-1)] ?? Number.NaN);
    return [
      {
        serial: Number.parseInt(serial, 16),
        flags,
        ...(Number.isFinite(left) ? { timeoutSeconds: left } : {}),
        uid: Number(uid),
        type,
        description: description.trim(),
      },
    ];
  });
}
