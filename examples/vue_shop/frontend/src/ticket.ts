import type { Schemas } from "./api/phonebind";

/** Who came back from the provider and is not bound yet. Good for ten minutes, and only in this browser. */
export type Ticket = Schemas["PhonebindNotBound"] & { provider: "qq" };

const KEY = "ticket";

// In the tab's own storage, so that a reload of the form loses nothing.
export function keepTicket(ticket: Ticket | null): void {
  if (ticket) sessionStorage.setItem(KEY, JSON.stringify(ticket));
  else sessionStorage.removeItem(KEY);
}

export function keptTicket(): Ticket | null {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Ticket | null;
}
