// HTTP/1.1 as it stands on the wire, where a library would hide what matters: several requests
// before the first answer, a connection cut in the middle, an answer never read.

import { connect } from "node:net";
import { lrs } from "./place.mjs";

const { hostname, port, pathname } = new URL(lrs.endpoint);

/** What every request carries. */
export const HEADERS = {
  Host: new URL(lrs.endpoint).host,
  Authorization: `Basic ${Buffer.from(`${lrs.key}:${lrs.secret}`).toString("base64")}`,
  "X-Experience-API-Version": "1.0.3",
};

/** The bytes of a request. */
export function request(method, path, { headers = {}, body = null } = {}) {
  const bytes = body === null ? Buffer.alloc(0) : Buffer.from(body);
  const lines = { ...HEADERS, ...headers };
  if (body !== null) lines["Content-Length"] = bytes.length;
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${pathname}/${path} HTTP/1.1\r\n${head.join("")}\r\n`), bytes]);
}

/** A connection that is open. */
export function open() {
  return new Promise((ready, fail) => {
    const socket = connect(Number(port || 80), hostname, () => ready(socket));
    socket.once("error", fail);
  });
}

/** Writes all of it, waits for the first byte of the answer, and goes without reading it. */
export async function loseTheAnswer(bytes) {
  const socket = await open();
  const answered = new Promise((done, fail) => {
    socket.once("data", done);
    socket.once("error", fail);
  });
  socket.write(bytes);
  await answered;
  socket.destroy();
}

/** Writes a part of it and cuts the connection. */
export async function cutOff(bytes, share) {
  const socket = await open();
  socket.on("error", () => {});
  await new Promise((written) => socket.write(bytes.subarray(0, Math.floor(bytes.length * share)), written));
  socket.destroy();
}

/** Writes all requests at once on one connection and reads their answers, which come in their order. */
export async function pipelined(requests) {
  const socket = await open();
  const reader = new Answers(socket);
  socket.write(Buffer.concat(requests));
  const answers = [];
  for (const _ of requests) answers.push(await reader.next(false));
  socket.destroy();
  return answers;
}

/** Requests one after the other on one connection; each is a method, a path and what else it has. */
export async function inTurn(requests) {
  const socket = await open();
  const reader = new Answers(socket);
  const answers = [];
  for (const [method, path, more] of requests) {
    socket.write(request(method, path, more));
    answers.push(await reader.next(method === "HEAD"));
  }
  socket.destroy();
  return answers;
}

/** One request on a connection of its own. */
export async function once(method, path, more) {
  const [answer] = await inTurn([[method, path, more]]);
  return answer;
}

/** The answers that come over a socket, one after the other. */
class Answers {
  constructor(socket) {
    this.bytes = Buffer.alloc(0);
    this.ended = null;
    this.wake = () => {};
    socket.on("data", (more) => {
      this.bytes = Buffer.concat([this.bytes, more]);
      this.wake();
    });
    const end = (error) => {
      this.ended = error ?? new Error("the connection was closed before the answer");
      this.wake();
    };
    socket.on("error", end);
    socket.on("close", () => end(this.ended));
  }

  /** Waits until there are as many bytes as `length` says of what is there; takes them. */
  async take(length) {
    for (;;) {
      const wanted = length(this.bytes);
      if (wanted !== null && wanted <= this.bytes.length) {
        const taken = this.bytes.subarray(0, wanted);
        this.bytes = this.bytes.subarray(wanted);
        return taken;
      }
      if (this.ended) throw this.ended;
      await new Promise((wake) => (this.wake = wake));
    }
  }

  line() {
    return this.take((bytes) => (bytes.indexOf("\r\n") < 0 ? null : bytes.indexOf("\r\n") + 2));
  }

  async next(isHead) {
    const status = Number((await this.line()).toString().split(" ")[1]);
    const headers = {};
    for (let line = await this.line(); line.length > 2; line = await this.line()) {
      const text = line.toString().trim();
      const colon = text.indexOf(":");
      const name = text.slice(0, colon).toLowerCase();
      if (name in headers) throw new Error(`the header ${name} came twice`);
      headers[name] = text.slice(colon + 1).trim();
    }
    const isBare = isHead || status === 204 || status === 304;
    return { status, headers, body: isBare ? Buffer.alloc(0) : await this.body(headers) };
  }

  async body(headers) {
    if (headers["transfer-encoding"] !== "chunked") {
      const length = Number(headers["content-length"] ?? 0);
      return this.take(() => length);
    }
    const chunks = [];
    for (;;) {
      const size = parseInt((await this.line()).toString(), 16);
      const chunk = await this.take(() => size + 2);
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  }
}
