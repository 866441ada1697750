import { Latency } from "./latency.ts";

/** What one command of SMB or one procedure of an RPC program did on a connection. */
export class CommandCount {
  requests = 0;
  responses = 0;
  errors = 0;
  readonly latency = new Latency();

  merge(other: CommandCount): void {
    this.requests += other.requests;
    this.responses += other.responses;
    this.errors += other.errors;
    this.latency.merge(other.latency);
  }
}

/** What does not find a place of its own. */
const others = "(others)";

/** A map that has a value for every name that is asked for, up to a number of names; what comes then shares one. */
export class Counts<T> {
  readonly #values = new Map<string, T>();
  readonly #make: () => T;
  readonly #limit: number;

  constructor(make: () => T, limit = 512) {
    this.#make = make;
    this.#limit = limit;
  }

  of(name: string): T {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const key = this.#values.size < this.#limit ? name : others;
    const value = this.#values.get(key) ?? this.#make();
    this.#values.set(key, value);
    return value;
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#values.entries();
  }

  get size(): number {
    return this.#values.size;
  }
}

export interface StatusCount {
  readonly name: string;
  readonly status: string;
  count: number;
}

/** How often a command was answered with a status. */
export class StatusCounts {
  readonly #counts = new Map<string, StatusCount>();
  readonly #limit: number;

  constructor(limit = 1024) {
    this.#limit = limit;
  }

  add(name: string, status: string, count = 1): void {
    const key = `${name} ${status}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += count;
    else if (this.#counts.size < this.#limit || name === others) this.#counts.set(key, { name, status, count });
    else this.add(others, "", count);
  }

  /** The most frequent first. */
  list(): readonly StatusCount[] {
    return [...this.#counts.values()].sort((left, right) => right.count - left.count);
  }
}

/** Requests without an answer yet, of all connections of a capture: a bound for what a capture can make grow. */
export class OpenRequests {
  left: number;

  constructor(limit: number) {
    this.left = limit;
  }
}

/** The open requests of a connection by their id. Over the limit the oldest is forgotten and counted. */
export class Outstanding<Request> {
  forgotten = 0;
  /** Most at the same time. */
  most = 0;
  readonly #open = new Map<number, Request>();
  readonly #shared: OpenRequests;

  constructor(shared: OpenRequests) {
    this.#shared = shared;
  }

  add(id: number, request: Request): void {
    if (!this.#open.delete(id)) this.#shared.left -= 1;
    this.#open.set(id, request);
    if (this.#shared.left < 0) this.#forget();
    this.most = Math.max(this.most, this.#open.size);
  }

  get(id: number): Request | undefined {
    return this.#open.get(id);
  }

  take(id: number): Request | undefined {
    const request = this.#open.get(id);
    if (request !== undefined) {
      this.#open.delete(id);
      this.#shared.left += 1;
    }
    return request;
  }

  /** No answer is waited for any more. */
  close(): void {
    this.#shared.left += this.#open.size;
    this.#open.clear();
  }

  values(): IterableIterator<Request> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  #forget(): void {
    const [oldest] = this.#open.keys();
    if (oldest === undefined) return;
    this.take(oldest);
    this.forgotten += 1;
  }
}
