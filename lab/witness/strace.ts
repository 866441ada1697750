/** System calls of one name. */
export interface CallCount {
  calls: number;
  /** Of these, how many failed, by the name of the error. */
  readonly errors: Map<string, number>;
}

/**
 * Counts the system calls of an `strace -f -y` output that concern a path below `directory`: through a descriptor (`3</mnt/share/x>`) or by
 * name (`"/mnt/share/x"`). Give the workload absolute paths: a name relative to a directory that is open counts by the directory, one relative to
 * the working directory does not count.
 */
export function countCalls(text: string, directory: string): Map<string, CallCount> {
  const below = new RegExp(`[<"]${directory.replaceAll(/[^\w/]/g, "\\$&")}(/[^>"]*)?[>"]`);
  const counts = new Map<string, CallCount>();
  const unfinished = new Map<string, string>();
  for (const line of text.split("\n")) {
    // With -f a line begins with the thread's id, padded; with one thread only it does not.
    const [, thread = "", rest = ""] = /^(\d+)?\s*(.*)$/.exec(line) ?? [];
    let call = rest;
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (begun !== null) {
      unfinished.set(thread, begun[1] ?? "");
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      call = (unfinished.get(thread) ?? "") + (resumed[1] ?? "");
      unfinished.delete(thread);
    }
    const [, name, args = "", error] = /^(\w+)\((.*)\)\s+= (?:-1 (\w+)|\S)/.exec(call) ?? [];
    // Behind a descriptor may come data that looks like a path.
    const [subject = args] = /^\d+<[^>]*>/.exec(args) ?? [];
    if (name === undefined || !below.test(subject)) continue;
    const count = counts.get(name) ?? { calls: 0, errors: new Map<string, number>() };
    count.calls++;
    if (error !== undefined) count.errors.set(error, (count.errors.get(error) ?? 0) + 1);
    counts.set(name, count);
  }
  return counts;
}
