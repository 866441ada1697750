import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { resolveName } from "../../network/names.ts";
import { examinePort } from "../../network/port.ts";
import { routeTo } from "../../network/route.ts";
import { staleAddress } from "../../network/stale.ts";
import type { NfsCase } from "./case.ts";

const CONNECT_MS = 5000;
const staysAt =
  "the client never looks the name up again: whatever it asks goes to the old address, and waits there with a hard mount";

export const name: Check<NfsCase> = {
  name: "name",
  limitMs: 20_000,
  async run(of, signal) {
    const { findings, addresses } = await resolveName(of.target.host, of.machine, signal);
    of.addresses = addresses;
    const stale = staleAddress(of.target, addresses, staysAt, []);
    return stale === undefined ? findings : [...findings, stale];
  },
};

export const route: Check<NfsCase> = {
  name: "route",
  limitMs: 10_000,
  run: ({ addresses, machine }, signal) =>
    Promise.all(addresses.slice(0, 4).map((address) => routeTo(address, machine, signal))),
};

export const port: Check<NfsCase> = {
  name: "port",
  limitMs: 45_000,
  async run(of, signal): Promise<readonly Finding[]> {
    const { addresses, intent, machine, target } = of;
    if (addresses.length === 0) return [{ result: "skip", evidence: "there is no address to connect to" }];
    const number = intent.port ?? 2049;
    const { findings, open } = await examinePort(
      { host: target.host, addresses, port: number, service: "NFS", timeoutMs: CONNECT_MS },
      machine,
      signal,
    );
    const [address] = open;
    if (address !== undefined) of.reachable = { address, port: number };
    return findings;
  },
};
