import type { Check } from "../../examine.ts";
import { resolveName } from "../../network/names.ts";
import { examinePort } from "../../network/port.ts";
import { routeTo } from "../../network/route.ts";
import { staleAddress } from "../../network/stale.ts";
import type { SmbCase } from "./case.ts";

/** The client's own limit for a connection: generic_ip_connect() of fs/smb/client/connect.c. */
const CONNECT_MS = 5000;
const staysAt = "the server got another address, and the client keeps the old one until it reconnects, or longer";

export const name: Check<SmbCase> = {
  name: "name",
  limitMs: 15_000,
  async run(of, signal) {
    if (of.intent.ip !== undefined) {
      of.addresses = [of.intent.ip];
      return { result: "ok", evidence: `ip=${of.intent.ip} takes the place of the addresses of ${of.target.host}` };
    }
    const { findings, addresses } = await resolveName(of.target.host, of.machine, signal);
    of.addresses = addresses;
    const stale = staleAddress(of.target, addresses, staysAt, [
      "install keyutils with its rule for dns_resolver: newer kernels look the name up when they reconnect",
    ]);
    return stale === undefined ? findings : [...findings, stale];
  },
};

export const route: Check<SmbCase> = {
  name: "route",
  limitMs: 10_000,
  run: ({ addresses, machine }, signal) =>
    Promise.all(addresses.slice(0, 4).map((address) => routeTo(address, machine, signal))),
};

export const port: Check<SmbCase> = {
  name: "port",
  limitMs: 45_000,
  async run(of, signal) {
    const { addresses, intent, machine, target } = of;
    if (addresses.length === 0) return { result: "skip", evidence: "there is no address to connect to" };
    const number = intent.port ?? 445;
    const { findings, open } = await examinePort(
      { host: target.host, addresses, port: number, service: "SMB", timeoutMs: CONNECT_MS },
      machine,
      signal,
    );
    const [address] = open;
    if (address !== undefined) of.reachable = { address, port: number };
    return findings;
  },
};
