/** What is used of better-sqlite3 here, which has no types of its own; those of others are for another major version. */
declare module 'better-sqlite3' {
  namespace Database {
    interface Statement {
      readonly reader: boolean;
      readonly readonly: boolean;
      all(...parameters: unknown[]): unknown[];
      get(...parameters: unknown[]): unknown;
      run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint };
    }

    interface Database {
      readonly open: boolean;
      readonly memory: boolean;
      readonly readonly: boolean;
      readonly inTransaction: boolean;
      prepare(sql: string): Statement;
      exec(sql: string): this;
      pragma(text: string, options?: { simple?: boolean }): unknown;
      close(): this;
    }
  }

  const Database: new (file: string, options?: { readonly?: boolean; timeout?: number }) => Database.Database;
  export = Database;
}
