// Lines of a log that was saved: dmesg(1) with and without its times, `journalctl -k`, syslog.

export interface LogLine {
  readonly text: string;
  /** µs since boot, where the line tells. */
  readonly timeUs?: number;
}

/** `[   12.345678] text`, `Nov 22 12:38:00 host kernel: text`, `text`, `<4>[...] text`. */
export function logLine(line: string): LogLine {
  const bare = line.replace(/^.*? kernel(?:\[\d+\])?: /, "").replace(/^<\d+>/, "");
  const [, seconds, micros, text] = /^\[\s*(\d+)\.(\d{6})\](?:\[[^\]]*\])? ?(.*)$/.exec(bare) ?? [];
  if (seconds === undefined || micros === undefined || text === undefined) return { text: bare };
  return { text, timeUs: Number(seconds) * 1e6 + Number(micros) };
}
