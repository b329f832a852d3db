/** Users in SQLite: a file, or memory. Of passwords there are bcrypt hashes alone. */
import { Database } from "bun:sqlite";

export interface User {
  readonly id: string;
  readonly userName: string;
  readonly nickName: string;
}

export interface Users extends Disposable {
  add(user: Omit<User, "id">, password: string): Promise<void>;
  find(id: string): User | undefined;
  /** Undefined where the two do not belong together; it takes as long whether there is such a user or not. */
  verify(userName: string, password: string): Promise<User | undefined>;
}

type Row = User & { readonly hash: string };

const columns = "CAST(id AS TEXT) AS id, userName, nickName, hash";

const hashed = (password: string): Promise<string> =>
  Bun.password.hash(password, { algorithm: "bcrypt", cost: 10 });

/** @param file `:memory:`: gone with the process */
export async function openUsers(file: string): Promise<Users> {
  const database = new Database(file, { create: true, strict: true });
  database.run(
    "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, userName TEXT UNIQUE NOT NULL, nickName TEXT NOT NULL, hash TEXT NOT NULL)",
  );
  const byName = database.query<Row, [string]>(`SELECT ${columns} FROM users WHERE userName = ?`);
  const byId = database.query<Row, [string]>(`SELECT ${columns} FROM users WHERE id = ?`);
  const insert = database.query("INSERT OR IGNORE INTO users (userName, nickName, hash) VALUES (?, ?, ?)");
  const nobody = await hashed(crypto.randomUUID());

  return {
    async add({ userName, nickName }, password) {
      insert.run(userName, nickName, await hashed(password));
    },
    find: (id) => told(byId.get(id)),
    async verify(userName, password) {
      const row = byName.get(userName);
      const holds = await Bun.password.verify(password, row?.hash ?? nobody);
      return holds ? told(row) : undefined;
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function told(row: Row | null): User | undefined {
  return row === null ? undefined : { id: row.id, userName: row.userName, nickName: row.nickName };
}
