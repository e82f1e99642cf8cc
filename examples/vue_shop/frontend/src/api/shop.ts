import createClient from "openapi-fetch";
import type { paths } from "./schema";
import { authorized, renew } from "./tokens";

/** Your shop's endpoints: with the token, and once more with a new one where the answer is 401. */
export const shop = createClient<paths>({ fetch: withToken });

async function withToken(request: Request): Promise<Response> {
  const again = request.clone(); // a body is read once
  const { sent, token } = authorized(request);
  const response = await fetch(sent);
  return response.status === 401 && (await renew(token)) ? fetch(authorized(again).sent) : response;
}
