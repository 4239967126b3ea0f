// Loaded into every child that is given a database: its PostgreSQL sessions go there, or nowhere.
"use strict";
const net = require("node:net");
const fs = require("node:fs");
const only = JSON.parse(process.env.DB_CHANGE_ONLY);
const told = Symbol("place"), begun = Symbol("begun");

const here = (host) => ["localhost", "127.0.0.1", "::1"].includes(host) ? "localhost" : String(host).toLowerCase();
const socketOf = (place) => place.path ?? `${place.host}/.s.PGSQL.${place.port}`;
function same(place) {
  if (place.path) return only.host.startsWith("/") && place.path === socketOf(only);
  return here(place.host) === here(only.host) && Number(place.port) === only.port;
}

// The first message of PostgreSQL's protocol: a request to encrypt or to cancel, or the start with its parameters.
function first(data) {
  if (data.length < 8) return null;
  const [length, code] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  if ((length === 8 && (code === 80877103 || code === 80877104)) || (length === 16 && code === 80877102)) return {};
  if (code >>> 16 !== 3 || length > data.length) return null;
  const words = data.subarray(8, length).toString().split("\0");
  const at = (name) => { for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === name) return words[i + 1]; };
  return { database: at("database") ?? at("user") };
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const given = Array.isArray(args[0]) ? args[0] : args;
  if (given[0] !== null && typeof given[0] === "object") {
    const { host, port, path, socket } = given[0];
    // Encryption over a session that is open already goes where that one goes.
    if (socket) this[told] = socket[told];
    else if (path) this[told] = { path };
    else if (port !== undefined) this[told] = { host: host ?? "localhost", port };
  } else if (typeof given[0] === "string" && !/^\d+$/.test(given[0])) {
    this[told] = { path: given[0] };
  } else {
    this[told] = { host: typeof given[1] === "string" ? given[1] : "localhost", port: given[0] };
  }
  return connect.apply(this, args);
};

const write = net.Socket.prototype.write;
net.Socket.prototype.write = function (data, ...rest) {
  if (!this[begun]) {
    this[begun] = true;
    const message = first(typeof data === "string" ? Buffer.from(data, "latin1") : Buffer.from(data ?? []));
    const place = this[told];
    // Within an encrypted session the place may not be known any more; it was looked at when encryption was asked for.
    const elsewhere = message !== null && (place === undefined ? message.database === undefined : !same(place));
    const other = message?.database !== undefined && message.database !== only.database;
    if (elsewhere || other) {
      const where = place === undefined ? "" : ` on ${place.path ?? `${place.host}:${place.port}`}`;
      const what = `a session with ${other ? `the database \`${message.database}\`` : "another server"}${where}`;
      const text = `db-change: refused: ${what}; here only \`${only.database}\` on ${only.host}:${only.port} is used`;
      fs.writeSync(2, text + "\n");
      this.destroy(new Error(text));
      return false;
    }
  }
  return write.call(this, data, ...rest);
};
