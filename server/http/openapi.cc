#include "server/http/openapi.h"

namespace entail::http {

std::string_view openapi() {
  return R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "Entail over HTTP",
    "version": "1",
    "description": "Push rows in, ask, and watch what changes. Where the database has users, each request brings name and password (basic authentication). Versions are numbers of commits: they rise, and one that is told of is durable."
  },
  "components": {
    "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
    "schemas": {
      "Error": {
        "type": "object",
        "properties": {
          "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
              "code": {"type": "string", "description": "SQLSTATE, or a word where the request itself is at fault"},
              "message": {"type": "string"},
              "detail": {"type": "string"},
              "hint": {"type": "string"},
              "position": {"type": "integer", "description": "In the statement, in characters from 1"},
              "line": {"type": "integer", "description": "Of the body, from 1"}
            }
          },
          "lines": {"type": "array", "description": "The first 20 lines that are at fault", "items": {"type": "object"}}
        }
      }
    },
    "responses": {
      "Error": {
        "description": "Nothing was changed. 400: the request is at fault; 401, 403: who asks; 404: no such relation; 405; 408; 409: a conflict; 410: the version is not kept any more; 413, 431: too much; 501: not supported; 503: try later",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
      }
    }
  },
  "security": [{}, {"basic": []}],
  "paths": {
    "/push/{relation}": {
      "post": {
        "summary": "Rows in: one JSON object a line, all in one commit or none",
        "parameters": [
          {"name": "relation", "in": "path", "required": true, "schema": {"type": "string"}, "description": "A table or stream, name or schema.name"},
          {"name": "Entail-Client", "in": "header", "schema": {"type": "string", "maxLength": 200}, "description": "Who pushes; with Entail-Sequence"},
          {"name": "Entail-Sequence", "in": "header", "schema": {"type": "integer", "minimum": 0}, "description": "Rises from batch to batch. A batch that is sent again is answered with the version of the first time and changes nothing; the last 32 of a client are remembered"}
        ],
        "requestBody": {"required": true, "content": {"application/x-ndjson": {"example": "{\"id\": 1, \"amount\": 12.50}\n{\"id\": 2}\n"}}},
        "responses": {
          "200": {
            "description": "The rows are durable in this version, and all that is derived from them",
            "content": {"application/json": {"example": {"version": 17, "rows": 2, "repeated": false}}}
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/query": {
      "post": {
        "summary": "SQL: one or more statements, in one transaction unless they say otherwise",
        "requestBody": {
          "required": true,
          "content": {
            "text/plain": {"example": "SELECT * FROM orders"},
            "application/json": {"example": {"query": "SELECT * FROM orders"}}
          }
        },
        "responses": {
          "200": {
            "description": "An answer for each statement; the version that was committed, 0: none",
            "content": {"application/json": {"example": {"results": [{"columns": [{"name": "id", "type_oid": 23}], "rows": [{"id": 1}], "tag": "SELECT 1"}], "version": 0}}}
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/subscribe/{relation}": {
      "get": {
        "summary": "What changes, as server-sent events: snapshot, changes, progress, end, error",
        "description": "event: snapshot has {version, complete, rows}; event: changes has {version, complete, changes: [{op, row}]} with op + or -; event: progress has {version}: nothing more comes of versions below it. The id of an event is the version up to which everything was told: who comes back with Last-Event-ID goes on behind it.",
        "parameters": [
          {"name": "relation", "in": "path", "required": true, "schema": {"type": "string"}},
          {"$ref": "#/paths/~1subscribe/get/parameters/1"},
          {"$ref": "#/paths/~1subscribe/get/parameters/2"},
          {"$ref": "#/paths/~1subscribe/get/parameters/3"},
          {"$ref": "#/paths/~1subscribe/get/parameters/4"},
          {"$ref": "#/paths/~1subscribe/get/parameters/5"}
        ],
        "responses": {
          "200": {"description": "Goes on until the client goes, or up_to is reached", "content": {"text/event-stream": {"example": "event: changes\nid: 18\ndata: {\"version\":18,\"complete\":true,\"changes\":[{\"op\":\"+\",\"row\":{\"id\":3}}]}\n\n"}}},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/subscribe": {
      "get": {
        "summary": "The same of a query",
        "parameters": [
          {"name": "query", "in": "query", "required": true, "schema": {"type": "string"}, "description": "A SELECT that can stand as a view"},
          {"name": "snapshot", "in": "query", "schema": {"type": "boolean", "default": true}, "description": "Whether the rows that are there come first"},
          {"name": "progress", "in": "query", "schema": {"type": "boolean", "default": false}},
          {"name": "as_of", "in": "query", "schema": {"type": "integer"}, "description": "The version to begin at; default: the newest"},
          {"name": "up_to", "in": "query", "schema": {"type": "integer"}, "description": "The version to end before"},
          {"name": "Last-Event-ID", "in": "header", "schema": {"type": "integer"}, "description": "In the place of as_of and snapshot"}
        ],
        "responses": {
          "200": {"description": "As of /subscribe/{relation}", "content": {"text/event-stream": {}}},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/metrics": {
      "get": {
        "summary": "Figures, as OpenMetrics; the same as SELECT * FROM entail.metrics",
        "responses": {"200": {"description": "The text of an exposition", "content": {"application/openmetrics-text": {}}}, "default": {"$ref": "#/components/responses/Error"}}
      }
    },
    "/healthz": {
      "get": {
        "summary": "Whether the database answers; for anybody",
        "security": [{}],
        "responses": {"200": {"description": "It does", "content": {"application/json": {"example": {"status": "ok", "version": 17}}}}}
      }
    },
    "/openapi.json": {
      "get": {"summary": "This document", "responses": {"200": {"description": "It", "content": {"application/json": {}}}}}
    }
  }
}
)json";
}

std::string_view openapi_page() {
  return R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Entail over HTTP</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { margin: 2rem 0 0; font-size: 1.1rem; }
  h2 span { color: #666; }
  code, pre { font: 14px/1.4 ui-monospace, monospace; background: #f4f4f4; }
  pre { padding: .6rem; overflow-x: auto; }
  td { padding: .1rem .8rem .1rem 0; vertical-align: top; }
</style>
<h1 id="title">Entail over HTTP</h1>
<p id="about"></p>
<main></main>
<script>
const add = (parent, tag, text) => { const made = document.createElement(tag); if (text) made.textContent = text; parent.append(made); return made; };
const follow = (all, part) => part.$ref ? follow(all, part.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/")], all)) : part;
const show = (main, media) => { for (const [type, content] of Object.entries(media || {})) {
  add(main, "code", type);
  if (content.example !== undefined) add(main, "pre", typeof content.example == "string" ? content.example : JSON.stringify(content.example)); } };
fetch("openapi.json").then(answer => answer.json()).then(all => {
  document.getElementById("about").textContent = all.info.description;
  const main = document.querySelector("main");
  for (const [path, methods] of Object.entries(all.paths)) for (const [method, operation] of Object.entries(methods)) {
    const head = add(main, "h2", method.toUpperCase() + " " + path);
    add(main, "p", operation.summary + ". " + (operation.description || ""));
    const table = add(main, "table");
    for (const part of operation.parameters || []) {
      const parameter = follow(all, part), row = add(table, "tr");
      add(add(row, "td"), "code", parameter.name);
      add(row, "td", parameter.in + ", " + parameter.schema.type);
      add(row, "td", parameter.description || "");
    }
    if (operation.requestBody) { add(main, "p", "Body:"); show(main, operation.requestBody.content); }
    for (const [status, part] of Object.entries(operation.responses)) {
      const answer = follow(all, part);
      add(main, "p", status + ": " + answer.description);
      show(main, answer.content);
    }
  }
});
</script>
</html>
)html";
}

}  // namespace entail::http
