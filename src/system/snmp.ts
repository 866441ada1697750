// /proc/PID/net/snmp: net/ipv4/proc.c. Two lines of each protocol: names, then numbers.

/** The counters of TCP, by the kernel's names: `OutSegs`, `RetransSegs`, ... Empty when there are none. Never throws. */
export function parseTcpCounters(text: string): ReadonlyMap<string, number> {
  const [names = "", numbers = ""] = text.split("\n").filter((line) => line.startsWith("Tcp:"));
  const values = numbers.split(/\s+/);
  const counters = new Map<string, number>();
  for (const [index, name] of names.split(/\s+/).entries()) {
    const value = Number(values[index]);
    if (index > 0 && name !== "" && Number.isSafeInteger(value)) counters.set(name, value);
  }
  return counters;
}
