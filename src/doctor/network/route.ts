import type { Finding } from "../answer.ts";
import type { Machine } from "../machine.ts";

/** Which way packets to an address leave this machine, by `ip route get`. */
export async function routeTo(address: string, machine: Machine, signal: AbortSignal): Promise<Finding> {
  const asked = await machine.run(["ip", "-j", "route", "get", address.replace(/%.*$/, "")], {
    timeoutMs: 5000,
    maxBytes: 64 * 1024,
    signal,
  });
  if (asked.status === "missing") return { result: "skip", evidence: "ip(8) is not installed: the route is not known" };
  if (asked.status === "timeout" || (asked.status === "failed" && !asked.stderr.includes("RTNETLINK")))
    return { result: "warn", evidence: `ip route get ${address}: ${asked.reason ?? "no answer"}` };
  const route = asked.status === "ok" ? readRoute(asked.stdout.toString("utf8")) : undefined;
  if (route === undefined || route.refuses !== undefined) {
    const why = route?.refuses ?? (asked.stderr.trim().split("\n").at(-1) || (asked.reason ?? "no answer"));
    const summary = `there is no route from here to ${address}`;
    return {
      result: "fail",
      evidence: `${address}: ${why}`,
      meaning: `${summary}: a mount fails with error 101 or 113, by a route that prohibits with 13, by a blackhole with 22`,
      fix: "check the network's interfaces and routes: ip address, ip route",
      verdict: {
        cause: "network.port-blocked",
        confidence: "likely",
        summary,
        advice: ["bring the interface up or add a route: ip address, ip route"],
      },
    };
  }
  const { device, gateway, source } = route;
  const way = [
    gateway === undefined ? "directly" : `by ${gateway}`,
    device && `on ${device}`,
    source && `from ${source}`,
  ];
  return { result: "ok", evidence: `${address} ${way.filter(Boolean).join(" ")}` };
}

interface Route {
  readonly device?: string;
  readonly gateway?: string;
  readonly source?: string;
  /** A route that forbids: `unreachable`, `prohibit`, `blackhole`. */
  readonly refuses?: string;
}

function readRoute(text: string): Route | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const [first] = Array.isArray(parsed) ? (parsed as readonly Record<string, unknown>[]) : [];
  if (first === undefined) return undefined;
  const of = (key: string): string | undefined => (typeof first[key] === "string" ? first[key] : undefined);
  const [device, gateway, source, type] = [of("dev"), of("gateway"), of("prefsrc"), of("type")];
  return {
    ...(device !== undefined && { device }),
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { source }),
    ...(type !== undefined && /^(unreachable|prohibit|blackhole)$/.test(type) && { refuses: `the route says ${type}` }),
  };
}
