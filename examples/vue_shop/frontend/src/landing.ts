import type { Schemas } from "./api/phonebind";
import { keep } from "./api/tokens";
import { router } from "./router";

/** Somebody is signed in: keep the tokens and go on. A `next` of the API has been checked by it. */
export function landed(pair: Schemas["PhonebindPair"], next: string): void {
  keep(pair);
  // A path of this app only: "//elsewhere" and "https://elsewhere" are none.
  void router.replace(/^\/(?![/\\])/.test(next) ? next : "/");
}
