// tests/wire/statements.js - node-postgres runs the sixty statements; see node_pg_test.py.
//
// Arguments: the port. Input: a JSON array of {sql, parameters}. Output: a JSON array of answers.

"use strict";

const { Client } = require("pg");

async function answer(client, statement, name) {
  const query = {
    text: statement.sql,
    values: statement.parameters,
    rowMode: "array",
    // Values as they come over the wire.
    types: { getTypeParser: () => (value) => value },
  };
  if (name) query.name = name;
  if (statement.parameters.length === 0 && !name) delete query.values;
  try {
    const result = await client.query(query);
    if (result.fields.length === 0) return `ok ${result.rowCount || 0}`;
    return result.rows.map((row) => row.map((v) => (v === null ? "NULL" : v)).join("|"));
  } catch (error) {
    return `error ${error.code}`;
  }
}

async function main() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const client = new Client({ host: "127.0.0.1", port: Number(process.argv[2]), user: "ann", database: "shop" });
  await client.connect();
  const answers = [];
  const named = process.argv[3] === "named";
  let number = 0;
  for (const statement of JSON.parse(text)) {
    number += 1;
    answers.push(await answer(client, statement, named ? `statement ${number}` : undefined));
  }
  await client.end();
  console.log(JSON.stringify(answers));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
