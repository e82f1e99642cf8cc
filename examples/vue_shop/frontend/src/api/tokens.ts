import { ref } from "vue";
import { phonebind, type Schemas } from "./phonebind";

type Pair = Schemas["PhonebindPair"];

const KEY = "tokens";

/** The tokens of who is signed in, the same in all tabs. */
export const pair = ref<Pair | null>(stored());

export function keep(next: Pair | null): void {
  pair.value = next;
  if (next) localStorage.setItem(KEY, JSON.stringify({ token: next.token, refresh: next.refresh }));
  else localStorage.removeItem(KEY);
}

/** The request with the token, and which token that is. */
export function authorized(request: Request): { sent: Request; token: string } {
  const token = pair.value?.token ?? "";
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  return { sent: request, token };
}

/** Gets a new pair where `refused` is still the newest token. Answers whether it is worth asking again. */
export async function renew(refused: string): Promise<boolean> {
  // A refresh token works once: one request at a time, in all tabs of this browser.
  return navigator.locks ? navigator.locks.request("refresh", () => renewed(refused)) : renewed(refused);
}

async function renewed(refused: string): Promise<boolean> {
  const newest = stored();
  if (!newest) return false;
  if (newest.token !== refused) {
    pair.value = newest; // another request or tab was faster
    return true;
  }
  const { data, response } = await phonebind.POST("/api/authorizations/refresh/", { body: { refresh: newest.refresh } });
  if (data) keep(data);
  else if (response.status < 500 && response.status !== 429) keep(null); // ended: a new password, a disabled account, or too old
  return Boolean(data);
}

function stored(): Pair | null {
  return JSON.parse(localStorage.getItem(KEY) ?? "null") as Pair | null;
}

window.addEventListener("storage", () => {
  pair.value = stored();
});
