// Publishes an event with openapi-fetch and the types that openapi-typescript made.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };

const client = createClient<paths>({
  baseUrl: process.env.API_URL,
  headers: { Authorization: `Bearer ${process.env.API_KEY}` },
});
const { data, error, response } = await client.POST("/api/v1/events", {
  body: { type: "training.completed", data: { job: 7 } },
});
if (!data || !("id" in data.data)) {
  throw new Error(`${response.status}: ${JSON.stringify(error ?? data)}`);
}
console.log(data.data.id);
